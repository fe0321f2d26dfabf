"""Which screen shows one thing in full."""

from novacron.model.fleet import FleetVm, Host
from novacron.model.operation import Operation
from novacron_tui.present.picture import PoolRow
from novacron_tui.screens.host import HostScreen
from novacron_tui.screens.live import LiveScreen
from novacron_tui.screens.operation import OperationScreen
from novacron_tui.screens.pool import PoolScreen
from novacron_tui.screens.vm import VmScreen


def screen_for(row: object) -> LiveScreen | None:
    """Return the screen of a row, or None when it has none."""
    match row:
        case FleetVm():
            return VmScreen(row)
        case Host():
            return HostScreen(row)
        case Operation():
            return OperationScreen(row)
        case PoolRow():
            return PoolScreen(row)
        case _:
            return None
