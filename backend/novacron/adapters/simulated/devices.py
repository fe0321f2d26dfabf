"""Attaches and detaches devices of simulated VMs (ports.hypervisor.VmDevices)."""

from collections.abc import Callable
from typing import Final

from novacron.adapters.simulated.device_changes import attached_disk, attached_nic, detached, lets_go
from novacron.adapters.simulated.host_role import HostRole
from novacron.adapters.simulated.machine import Machine
from novacron.model.device import DiskAttachment, NicAttachment
from novacron.model.errors import NotFound
from novacron.model.ids import VmId

_UNPLUG_TAKES_S: Final = 5.0
"""How long libvirt waits for a guest to let go of a device, before it says that it asked."""


class Devices(HostRole):
    """Disks and network interfaces."""

    async def attach_disk(self, vm: VmId, disk: DiskAttachment, *, live: bool, stored: bool, deadline_s: float) -> None:
        """Attach a disk."""

        def change(machine: Machine) -> Machine:
            store = self.host.store_of(disk.path)
            if store is None or disk.path not in store.volumes:
                raise NotFound(
                    disk.path, f"{self.host.name} has no such file", "look again: it was removed, or has moved"
                )
            after = attached_disk(machine, disk, live=live, stored=stored)
            if live:
                self.world.require_disks(self.host, after)
            return after

        await self._change("attach disk", vm, change, deadline_s)

    async def attach_nic(self, vm: VmId, nic: NicAttachment, *, live: bool, stored: bool, deadline_s: float) -> None:
        """Attach a network interface."""

        def change(machine: Machine) -> Machine:
            if nic.network not in self.host.facts.networks:
                raise NotFound(nic.network, f"Network not found: no network with matching name '{nic.network}'")
            return attached_nic(machine, nic, live=live, stored=stored)

        await self._change("attach nic", vm, change, deadline_s)

    async def detach_disk(self, vm: VmId, target: str, *, live: bool, stored: bool, deadline_s: float) -> None:
        """Have a disk taken away."""
        await self._detach("detach disk", vm, target, live, stored, deadline_s)

    async def detach_nic(self, vm: VmId, mac: str, *, live: bool, stored: bool, deadline_s: float) -> None:
        """Have a network interface taken away."""
        await self._detach("detach nic", vm, mac, live, stored, deadline_s)

    async def _detach(self, what: str, vm: VmId, device: str, live: bool, stored: bool, deadline_s: float) -> None:
        machine = self.host.machines.get(vm)
        waits = live and machine is not None and machine.is_active and not lets_go(machine)
        await self._change(
            what,
            vm,
            lambda machine: detached(machine, device, live=live, stored=stored),
            deadline_s,
            takes_s=_UNPLUG_TAKES_S if waits else 0.0,
        )

    async def _change(
        self, what: str, vm: VmId, change: Callable[[Machine], Machine], deadline_s: float, *, takes_s: float = 0.0
    ) -> None:
        await self.link.call(
            what,
            lambda: self.host.put(change(self.host.machine(vm)), what),
            deadline_s=deadline_s,
            effects=True,
            takes_s=takes_s,
        )
