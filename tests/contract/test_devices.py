"""Devices: attached and detached, in the process and in the stored definition, each as it was asked for."""

import uuid

import pytest

from novacron.model.device import DiskAttachment, NicAttachment
from novacron.model.errors import Conflict, NotFound, OperationError
from novacron.model.ids import VmId
from novacron.model.operations.creation import CreateVm, disk_of
from novacron.model.plan.file_users import uses_of
from novacron.model.vm import VmReading
from tests.contract.hypervisor_pair import DEADLINE_S, HypervisorPair

_SPARE_PORTS = 4
_SIDES = pytest.mark.parametrize(("live", "stored"), [(True, True), (True, False), (False, True)])


async def _a_disk(pair: HypervisorPair, target: str = "vdb") -> DiskAttachment:
    """Make a volume that no VM has."""
    path = await pair.a.storage.create_disk(disk_of(pair.intent()), deadline_s=DEADLINE_S)
    return DiskAttachment(path=path, target=target)


def _a_nic(pair: HypervisorPair) -> NicAttachment:
    tail = uuid.uuid4().hex
    return NicAttachment(mac=f"52:54:00:{tail[:2]}:{tail[2:4]}:{tail[4:6]}", network=pair.network)


async def _look(pair: HypervisorPair, intent: CreateVm) -> VmReading:
    seen = await pair.seen(pair.a, intent.vm)
    assert seen is not None
    return seen


def _disks(seen: VmReading, disk: DiskAttachment) -> tuple[bool, bool]:
    """Whether the process has the disk, and whether the next start has it."""
    sides = (seen.live_disks, seen.disks_at_next_start)
    live, stored = (any((one.target, one.source) == (disk.target, disk.path) for one in side) for side in sides)
    return live, stored


def _nics(seen: VmReading, nic: NicAttachment) -> tuple[bool, bool]:
    sides = (seen.live_nics, seen.nics_at_next_start)
    live, stored = (any((one.mac, one.network) == (nic.mac, nic.network) for one in side) for side in sides)
    return live, stored


async def _restart(pair: HypervisorPair, intent: CreateVm) -> None:
    await pair.a.power.force_off(intent.vm, deadline_s=DEADLINE_S)
    await pair.a.power.start(intent.vm, deadline_s=DEADLINE_S)


@_SIDES
async def test_a_disk_is_attached_where_it_was_asked_for(pair: HypervisorPair, live: bool, stored: bool) -> None:
    intent, disk = await pair.a_running_vm(), await _a_disk(pair)
    for _ in range(2):  # made again, as after an answer that was lost, it is there once
        await pair.a.devices.attach_disk(intent.vm, disk, live=live, stored=stored, deadline_s=DEADLINE_S)
    seen = await _look(pair, intent)
    assert _disks(seen, disk) == (live, stored)
    assert disk.path in {use.path for use in uses_of(seen)}, "nobody may delete it"
    assert len(seen.live_disks) == 1 + live
    assert len(seen.disks_at_next_start) == 1 + stored
    (whole,) = (vm for vm in (await pair.a.reader.read(inventory=True, deadline_s=DEADLINE_S)).vms if vm.id == seen.id)
    assert _disks(whole, disk) == (live, stored)
    await _restart(pair, intent)
    assert _disks(await _look(pair, intent), disk) == (stored, stored)


@_SIDES
async def test_the_next_reading_has_what_was_attached_and_detached(
    pair: HypervisorPair, live: bool, stored: bool
) -> None:
    """Without an inventory, which may be half a minute away: what an operator did is what he looks for next."""
    intent, disk = await pair.a_running_vm(), await _a_disk(pair)

    async def read() -> VmReading:
        reading = await pair.a.reader.read(inventory=False, deadline_s=DEADLINE_S)
        return next(vm for vm in reading.vms if vm.id == intent.vm)

    await pair.a.reader.read(inventory=True, deadline_s=DEADLINE_S)
    assert _disks(await read(), disk) == (False, False)
    await pair.a.devices.attach_disk(intent.vm, disk, live=live, stored=stored, deadline_s=DEADLINE_S)
    assert _disks(await read(), disk) == (live, stored)
    if not live:  # a guest lets go in its own time
        await pair.a.devices.detach_disk(intent.vm, disk.target, live=live, stored=stored, deadline_s=DEADLINE_S)
        assert _disks(await read(), disk) == (False, False)


@_SIDES
async def test_a_nic_is_attached_where_it_was_asked_for(pair: HypervisorPair, live: bool, stored: bool) -> None:
    intent, nic = await pair.a_running_vm(), _a_nic(pair)
    for _ in range(2):
        await pair.a.devices.attach_nic(intent.vm, nic, live=live, stored=stored, deadline_s=DEADLINE_S)
    seen = await _look(pair, intent)
    assert _nics(seen, nic) == (live, stored)
    assert len(seen.live_nics) == 1 + live
    await _restart(pair, intent)
    assert _nics(await _look(pair, intent), nic) == (stored, stored)


async def test_a_vm_that_is_off_has_a_stored_definition_only(pair: HypervisorPair) -> None:
    intent, disk, nic = await pair.a_defined_vm(), await _a_disk(pair), _a_nic(pair)
    with pytest.raises(OperationError):
        await pair.a.devices.attach_disk(intent.vm, disk, live=True, stored=True, deadline_s=DEADLINE_S)
    with pytest.raises(OperationError):
        await pair.a.devices.detach_disk(intent.vm, "vda", live=True, stored=True, deadline_s=DEADLINE_S)
    assert [one.target for one in (await _look(pair, intent)).disks_at_next_start] == ["vda"]
    await pair.a.devices.attach_disk(intent.vm, disk, live=False, stored=True, deadline_s=DEADLINE_S)
    await pair.a.devices.attach_nic(intent.vm, nic, live=False, stored=True, deadline_s=DEADLINE_S)
    seen = await _look(pair, intent)
    assert (_disks(seen, disk), _nics(seen, nic)) == ((False, True), (False, True))
    await pair.a.devices.detach_disk(intent.vm, disk.target, live=False, stored=True, deadline_s=DEADLINE_S)
    await pair.a.devices.detach_nic(intent.vm, nic.mac.upper(), live=False, stored=True, deadline_s=DEADLINE_S)
    seen = await _look(pair, intent)
    assert (_disks(seen, disk), _nics(seen, nic)) == ((False, False), (False, False))


async def test_a_device_is_detached_once_its_guest_lets_go_of_it(pair: HypervisorPair) -> None:
    intent, disk, nic = await pair.a_booted_vm(), await _a_disk(pair), _a_nic(pair)
    await pair.a.devices.attach_disk(intent.vm, disk, live=True, stored=True, deadline_s=DEADLINE_S)
    await pair.a.devices.attach_nic(intent.vm, nic, live=True, stored=True, deadline_s=DEADLINE_S)
    await pair.a.devices.detach_disk(intent.vm, disk.target, live=True, stored=True, deadline_s=DEADLINE_S)
    await pair.a.devices.detach_nic(intent.vm, nic.mac, live=True, stored=True, deadline_s=DEADLINE_S)

    async def gone() -> bool:
        seen = await _look(pair, intent)
        return (_disks(seen, disk), _nics(seen, nic)) == ((False, False), (False, False))

    assert await pair.eventually(gone)
    await pair.a.devices.detach_disk(intent.vm, disk.target, live=True, stored=True, deadline_s=DEADLINE_S)
    await pair.a.devices.detach_nic(intent.vm, nic.mac, live=True, stored=True, deadline_s=DEADLINE_S)


async def test_a_paused_guest_lets_go_when_it_goes_on(pair: HypervisorPair) -> None:
    intent, disk = await pair.a_booted_vm(), await _a_disk(pair)
    await pair.a.devices.attach_disk(intent.vm, disk, live=True, stored=True, deadline_s=DEADLINE_S)
    await pair.a.power.pause(intent.vm, deadline_s=DEADLINE_S)
    for _ in range(2):  # asked again while the guest has not heard of it, it is no error
        await pair.a.devices.detach_disk(intent.vm, disk.target, live=True, stored=True, deadline_s=DEADLINE_S)
    assert _disks(await _look(pair, intent), disk) == (True, False), "it waits for the guest, and shows so"
    await pair.a.power.resume(intent.vm, deadline_s=DEADLINE_S)

    async def gone() -> bool:
        return _disks(await _look(pair, intent), disk) == (False, False)

    assert await pair.eventually(gone)


async def test_a_target_or_mac_address_of_another_device_is_a_conflict(pair: HypervisorPair) -> None:
    intent, disk, nic = await pair.a_running_vm(), await _a_disk(pair, "vda"), _a_nic(pair)
    with pytest.raises(Conflict):
        await pair.a.devices.attach_disk(intent.vm, disk, live=True, stored=True, deadline_s=DEADLINE_S)
    await pair.a.devices.attach_disk(
        intent.vm, DiskAttachment(path=disk.path, target="vdb"), live=True, stored=False, deadline_s=DEADLINE_S
    )
    seen = await _look(pair, intent)
    assert [one.target for one in seen.live_disks] == ["vda", "vdb"]
    assert [one.target for one in seen.disks_at_next_start] == ["vda"]
    assert _nics(seen, nic) == (False, False)


async def test_what_is_not_there_cannot_be_attached(pair: HypervisorPair) -> None:
    intent, nobody = await pair.a_running_vm(), VmId(str(uuid.uuid4()))
    disk, nic = await _a_disk(pair), _a_nic(pair)
    missing = DiskAttachment(path=disk.path.replace(".qcow2", "-gone.qcow2"), target="vdb")
    nowhere = NicAttachment(mac=nic.mac, network="no-such-network")
    for live, stored in ((True, True), (False, True)):
        with pytest.raises(NotFound):
            await pair.a.devices.attach_disk(intent.vm, missing, live=live, stored=stored, deadline_s=DEADLINE_S)
        with pytest.raises(NotFound):
            await pair.a.devices.attach_nic(intent.vm, nowhere, live=live, stored=stored, deadline_s=DEADLINE_S)
        with pytest.raises(NotFound):
            await pair.a.devices.attach_disk(nobody, disk, live=live, stored=stored, deadline_s=DEADLINE_S)
        with pytest.raises(NotFound):
            await pair.a.devices.detach_nic(nobody, nic.mac, live=live, stored=stored, deadline_s=DEADLINE_S)
    seen = await _look(pair, intent)
    assert (len(seen.live_disks), len(seen.disks_at_next_start)) == (1, 1)
    assert (len(seen.live_nics), len(seen.nics_at_next_start)) == (1, 1)


async def test_a_file_that_another_vm_has_open_is_not_attached(pair: HypervisorPair) -> None:
    intent, owner = await pair.a_running_vm(), await pair.a_running_vm()
    path = (await _look(pair, owner)).live_disks[0].source
    disk = DiskAttachment(path=path, target="vdb")
    with pytest.raises(OperationError, match='Failed to get "write" lock') as caught:
        await pair.a.devices.attach_disk(intent.vm, disk, live=True, stored=True, deadline_s=DEADLINE_S)
    assert caught.value.remedy
    assert _disks(await _look(pair, intent), disk) == (False, False)


async def test_a_new_vm_has_ports_for_four_more_devices_and_the_fifth_is_refused(pair: HypervisorPair) -> None:
    intent, nics = await pair.a_running_vm(), [_a_nic(pair) for _ in range(_SPARE_PORTS + 1)]
    for nic in nics[:-1]:
        await pair.a.devices.attach_nic(intent.vm, nic, live=True, stored=False, deadline_s=DEADLINE_S)
    with pytest.raises(OperationError, match="No more available PCI slots") as caught:
        await pair.a.devices.attach_nic(intent.vm, nics[-1], live=True, stored=True, deadline_s=DEADLINE_S)
    assert caught.value.remedy
    seen = await _look(pair, intent)
    assert [_nics(seen, nic) for nic in nics] == [(True, False)] * _SPARE_PORTS + [(False, False)]
    await pair.a.devices.attach_nic(intent.vm, nics[-1], live=False, stored=True, deadline_s=DEADLINE_S)
    await _restart(pair, intent)
    assert _nics(await _look(pair, intent), nics[-1]) == (True, True)
