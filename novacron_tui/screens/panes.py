"""The five panes of the fleet screen: what each lists, and what it says of the row under its cursor."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from novacron_tui.keys import Where
from novacron_tui.present.alerts import ALERTS
from novacron_tui.present.cells import Line
from novacron_tui.present.column import Sight, Subject
from novacron_tui.present.hosts import HOSTS
from novacron_tui.present.operations import OPERATIONS
from novacron_tui.present.picture import Picture, pool_rows
from novacron_tui.present.status import alert_status, host_status, operation_status, pool_status, vm_status
from novacron_tui.present.storage import POOLS
from novacron_tui.present.vms import VMS


@dataclass(frozen=True, slots=True, kw_only=True)
class Pane:
    """One pane."""

    where: Where
    title: str
    subject: Subject[Any]
    rows: Callable[[Picture], Iterable[Any]]
    count: Callable[[Picture], int | None]
    """The number beside its title: what matters, not always all there is. None: nothing is known of it."""
    status: Callable[[Any, Sight], Line]


PANES: Final = (
    Pane(
        where=Where.VMS,
        title="VMs",
        subject=VMS,
        rows=lambda picture: picture.fleet.vms.values(),
        count=lambda picture: sum(picture.tally.vms.values()) if picture.knows_any_host else None,
        status=vm_status,
    ),
    Pane(
        where=Where.HOSTS,
        title="Hosts",
        subject=HOSTS,
        rows=lambda picture: picture.fleet.hosts.values(),
        count=lambda picture: picture.tally.hosts,
        status=host_status,
    ),
    Pane(
        where=Where.OPERATIONS,
        title="Operations",
        subject=OPERATIONS,
        rows=lambda picture: picture.operations,
        count=lambda picture: picture.under_way,
        status=operation_status,
    ),
    Pane(
        where=Where.STORAGE,
        title="Storage",
        subject=POOLS,
        rows=lambda picture: pool_rows(picture.fleet),
        count=lambda picture: picture.tally.pools if picture.knows_any_host else None,
        status=pool_status,
    ),
    Pane(
        where=Where.ALERTS,
        title="Alerts",
        subject=ALERTS,
        rows=lambda picture: picture.alerts,
        count=lambda picture: picture.holding,
        status=alert_status,
    ),
)
