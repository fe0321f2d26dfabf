"""Look: serial console, XML."""

from typing import Final

from novacron.model.fleet import FleetVm
from novacron.model.vm import ADD_SERIAL
from novacron_tui.commands.command import Act, Command, Context, Kind
from novacron_tui.commands.hosts import refuse_silent


def _refuse_silent(vm: FleetVm, _context: Context) -> str | None:
    return refuse_silent(vm.home.host)


def _refuse_serial(vm: FleetVm, context: Context) -> str | None:
    reading = vm.home.vm
    if vm.home.is_current and not reading.is_active:
        return f"{reading.name} is {reading.state}: its console is open while it runs"
    if vm.home.is_current and not reading.has_serial:
        return f"{reading.name}: {reading.serial_problem}; {ADD_SERIAL}"
    return _refuse_silent(vm, context)


VIEWS: Final = (
    Command(
        id="vm.serial",
        title="Serial console",
        kind=Kind.VM,
        many=False,
        refuse=_refuse_serial,
        act=Act.SERIAL,
    ),
    Command(id="vm.xml", title="XML definition", kind=Kind.VM, many=False, refuse=_refuse_silent, act=Act.XML),
)
