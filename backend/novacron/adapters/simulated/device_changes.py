"""The devices of a simulated VM, attached and detached: pure, as everything about a Machine."""

from dataclasses import replace

from novacron.adapters.simulated.machine import Machine, require_no_job, unplugged
from novacron.model.device import DiskAttachment, DiskBus, NicAttachment
from novacron.model.errors import Conflict, OperationError
from novacron.model.vm import VmDisk, VmNic, VmState


def attached_disk(machine: Machine, disk: DiskAttachment, *, live: bool, stored: bool) -> Machine:
    """Return it with the disk on the sides that are asked for; what a side has already stays."""
    _require_sides(machine, live=live, stored=stored)
    new = VmDisk(
        target=disk.target, source=disk.path, format=disk.format, readonly=disk.readonly, shareable=disk.shareable
    )
    process, definition = machine.disks, machine.stored_disks
    wants_live = live and not _has_disk(machine, process, disk)
    if stored and not _has_disk(machine, definition, disk):
        definition = (*definition, new)
    if wants_live:
        if disk.bus is DiskBus.SATA:
            raise OperationError(machine.name, "operation failed: disk bus 'sata' cannot be hotplugged.")
        machine = _with_port_taken(machine)
        process = (*process, new)
    return _with_disks(machine, process, definition)


def attached_nic(machine: Machine, nic: NicAttachment, *, live: bool, stored: bool) -> Machine:
    """Return it with the network interface on the sides that are asked for."""
    _require_sides(machine, live=live, stored=stored)
    new = VmNic(mac=nic.mac, network=nic.network, model=nic.model)
    process, definition = machine.nics, machine.stored_nics
    wants_live = live and not _has_nic(machine, process, nic)
    if stored and not _has_nic(machine, definition, nic):
        definition = (*definition, new)
    if wants_live:
        machine = _with_port_taken(machine)
        process = (*process, replace(new, link=f"vnet{len(process)}"))
    return _with_nics(machine, process, definition)


def detached(machine: Machine, device: str, *, live: bool, stored: bool) -> Machine:
    """Return it without the disk of that target or the interface of that MAC address.

    Its process has it until its guest lets go of it.
    """
    _require_sides(machine, live=live, stored=stored)
    if stored:
        disks = tuple(disk for disk in machine.stored_disks if disk.target != device)
        nics = tuple(nic for nic in machine.stored_nics if nic.mac.lower() != device.lower())
        machine = _with_nics(_with_disks(machine, machine.disks, disks), machine.nics, nics)
    if not live:
        return machine
    known = {disk.target for disk in machine.disks} | {nic.mac for nic in machine.nics}
    asked = {one for one in known if one.lower() == device.lower()}
    machine = replace(machine, unplugging=machine.unplugging | asked)
    return unplugged(machine) if lets_go(machine) else machine


def lets_go(machine: Machine) -> bool:
    """Whether its guest gives a device away at once."""
    return machine.obeys_unplugging and machine.state is VmState.RUNNING


def _require_sides(machine: Machine, *, live: bool, stored: bool) -> None:
    require_no_job(machine)
    if live and not machine.is_active:
        raise OperationError(machine.name, "it does not run", "change its stored definition")
    if stored and not machine.persistent:
        raise OperationError(
            machine.name, "it is transient: it has no stored definition", "change it while it runs only"
        )
    if stored and not machine.is_active and machine.has_saved_memory:
        raise OperationError(
            machine.name,
            "its memory was saved, and its next start restores the devices of that time",
            "start it, and change it while it runs",
        )


def _has_disk(machine: Machine, disks: tuple[VmDisk, ...], wanted: DiskAttachment) -> bool:
    found = next((disk for disk in disks if disk.target == wanted.target), None)
    if found is not None and found.source != wanted.path:
        raise Conflict(
            machine.name,
            f"it has another disk as {wanted.target}",
            "choose another target, or detach that one first",
        )
    return found is not None


def _has_nic(machine: Machine, nics: tuple[VmNic, ...], wanted: NicAttachment) -> bool:
    found = next((nic for nic in nics if nic.mac.lower() == wanted.mac.lower()), None)
    if found is not None and found.network != wanted.network:
        raise Conflict(
            machine.name,
            f"it has another network interface with MAC address {wanted.mac}",
            "choose another MAC address, or detach that one first",
        )
    return found is not None


def _with_port_taken(machine: Machine) -> Machine:
    if machine.spare_ports < 1:
        raise OperationError(
            machine.name,
            "internal error: No more available PCI slots",
            "detach another device, or attach it from its next start on",
        )
    return replace(machine, spare_ports=machine.spare_ports - 1)


def _with_disks(machine: Machine, process: tuple[VmDisk, ...], definition: tuple[VmDisk, ...]) -> Machine:
    """Return it with these disks: what does not run has its definition alone, what is transient its process."""
    if not machine.is_active:
        return replace(machine, disks=definition, next_disks=None)
    same = not machine.persistent or process == definition
    return replace(machine, disks=process, next_disks=None if same else definition)


def _with_nics(machine: Machine, process: tuple[VmNic, ...], definition: tuple[VmNic, ...]) -> Machine:
    if not machine.is_active:
        return replace(machine, nics=definition, next_nics=None)
    same = not machine.persistent or tuple(replace(nic, link="") for nic in process) == definition
    return replace(machine, nics=process, next_nics=None if same else definition)
