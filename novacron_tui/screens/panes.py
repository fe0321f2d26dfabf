"""The five panes of the fleet screen: what each lists, and what it says of the row under its cursor."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from novacron.model.operations.grouping import grouped
from novacron_tui.keys import KeyScope
from novacron_tui.present.alerts import ALERTS
from novacron_tui.present.cells import Line
from novacron_tui.present.column import CellContext, TableSpec
from novacron_tui.present.console_state import ConsoleState, pool_rows
from novacron_tui.present.hosts import HOSTS
from novacron_tui.present.operations import OPERATIONS
from novacron_tui.present.status import alert_status, host_status, operation_status, pool_status, vm_status
from novacron_tui.present.storage import POOLS
from novacron_tui.present.vms import VMS


@dataclass(frozen=True, slots=True, kw_only=True)
class Pane:
    """One pane."""

    key_scope: KeyScope
    title: str
    spec: TableSpec[Any]
    rows: Callable[[ConsoleState], Iterable[Any]]
    count: Callable[[ConsoleState], int | None]
    """The number beside its title: what matters, not always all there is. None: nothing is known of it."""
    status: Callable[[Any, CellContext], Line]


PANES: Final = (
    Pane(
        key_scope=KeyScope.VMS,
        title="VMs",
        spec=VMS,
        rows=lambda state: state.vms,
        count=lambda state: sum(state.tally.vms.values()) if state.knows_any_host else None,
        status=vm_status,
    ),
    Pane(
        key_scope=KeyScope.HOSTS,
        title="Hosts",
        spec=HOSTS,
        rows=lambda state: state.fleet.hosts.values(),
        count=lambda state: state.tally.hosts,
        status=host_status,
    ),
    Pane(
        key_scope=KeyScope.OPERATIONS,
        title="Operations",
        spec=OPERATIONS,
        rows=lambda state: [one for one, _ in grouped(state.operations)],
        count=lambda state: state.under_way,
        status=operation_status,
    ),
    Pane(
        key_scope=KeyScope.STORAGE,
        title="Storage",
        spec=POOLS,
        rows=lambda state: pool_rows(state.fleet),
        count=lambda state: state.tally.pools if state.knows_any_host else None,
        status=pool_status,
    ),
    Pane(
        key_scope=KeyScope.ALERTS,
        title="Alerts",
        spec=ALERTS,
        rows=lambda state: state.alerts,
        count=lambda state: state.holding,
        status=alert_status,
    ),
)
