"""Opens the serial consoles of simulated VMs (ports.hypervisor.SerialConsoles)."""

from novacron.adapters.simulated.host_role import HostRole
from novacron.adapters.simulated.serial import SerialPort
from novacron.adapters.simulated.shell import Shell, ShellRequest
from novacron.model.errors import Conflict, OperationError
from novacron.model.ids import VmId
from novacron.model.vm import ADD_SERIAL
from novacron.ports.hypervisor import SerialLink


class SerialConsoles(HostRole):
    """Serial consoles."""

    async def open(self, vm: VmId, *, force: bool, deadline_s: float) -> SerialLink:
        """Open the VM's serial console."""
        return await self.link.call("serial console", lambda: self._open(vm, force), deadline_s=deadline_s)

    def _open(self, vm: VmId, force: bool) -> SerialLink:
        machine = self.host.machine(vm)
        if not machine.is_active:
            raise OperationError(machine.name, "Requested operation is not valid: domain is not running")
        if machine.serial_problem:
            raise OperationError(machine.name, machine.serial_problem, ADD_SERIAL)
        port = self.host.serial_ports.get(vm)
        if port is None:
            port = SerialPort(Shell(machine.name, lambda request: self._obey(vm, request)))
            self.host.serial_ports[vm] = port
        if port.is_taken and not force:
            raise Conflict(
                machine.name,
                "operation failed: Active console session exists for this domain",
                "take it over if you must",
            )
        opened = port.plug_in()
        self.link.on_closed(opened.hang_up)
        return opened

    def _obey(self, vm: VmId, request: ShellRequest) -> None:
        if request is ShellRequest.POWER_OFF:
            self.world.press_power_button(self.host, vm)
        else:
            self.host.reboot(vm, at=self.world.clock.monotonic())
