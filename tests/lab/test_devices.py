"""Attached and detached devices as the guest sees them: it uses a new disk, and loses none of what it wrote there."""

import uuid
from collections.abc import AsyncIterator

import pytest

from novacron.model.device import DiskAttachment, NicAttachment
from novacron.model.migration import MigrationMode
from novacron.model.operations.creation import CreateVm, disk_of
from novacron.ports.hypervisor import Hypervisor
from tests.contract.conftest import real_ground
from tests.contract.hypervisor_pair import DEADLINE_S, HypervisorPair

pytestmark = pytest.mark.lab


@pytest.fixture
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[HypervisorPair]:
    """Two connected hypervisors of the lab."""
    made = real_ground(request)
    await made.open()
    yield made
    await made.clean()


async def _says(pair: HypervisorPair, there: Hypervisor, intent: CreateVm, command: str, answer: str) -> bool:
    """Whether the guest comes to give that answer; the command must not hold it, because it is echoed."""
    link = await there.serial.open(intent.vm, force=True, deadline_s=DEADLINE_S)
    try:
        return await pair.hears(link, answer.encode(), typing=f"{command}\r".encode())
    finally:
        await link.close()


async def _a_disk(pair: HypervisorPair) -> DiskAttachment:
    path = await pair.a.storage.create_disk(disk_of(pair.intent()), deadline_s=DEADLINE_S)
    return DiskAttachment(path=path, target="vdb")


_DISKS = "echo disks=$(ls /sys/block | grep -c vdb)"
_KEPT = "echo read=$(head -c 4 /dev/vdb)"


async def test_a_guest_writes_to_a_new_disk_and_finds_it_again_when_it_is_attached_again(pair: HypervisorPair) -> None:
    intent, disk = await pair.a_booted_vm(), await _a_disk(pair)
    await pair.a.devices.attach_disk(intent.vm, disk, live=True, stored=True, deadline_s=DEADLINE_S)
    assert await _says(pair, pair.a, intent, _DISKS, "disks=1")
    assert await _says(pair, pair.a, intent, "printf kept >/dev/vdb; sync; echo wrote=$?", "wrote=0")
    await pair.a.devices.detach_disk(intent.vm, disk.target, live=True, stored=True, deadline_s=DEADLINE_S)
    assert await _says(pair, pair.a, intent, _DISKS, "disks=0")
    await pair.a.devices.attach_disk(intent.vm, disk, live=True, stored=True, deadline_s=DEADLINE_S)
    assert await _says(pair, pair.a, intent, _KEPT, "read=kept")


async def test_a_guest_sees_a_new_network_interface_come_and_go(pair: HypervisorPair) -> None:
    tail = uuid.uuid4().hex
    nic = NicAttachment(mac=f"52:54:00:{tail[:2]}:{tail[2:4]}:{tail[4:6]}", network=pair.network)
    count, intent = f"echo nics=$(cat /sys/class/net/*/address | grep -c {nic.mac})", await pair.a_booted_vm()
    await pair.a.devices.attach_nic(intent.vm, nic, live=True, stored=True, deadline_s=DEADLINE_S)
    assert await _says(pair, pair.a, intent, count, "nics=1")
    await pair.a.devices.detach_nic(intent.vm, nic.mac, live=True, stored=True, deadline_s=DEADLINE_S)
    assert await _says(pair, pair.a, intent, count, "nics=0")


async def test_an_attached_disk_moves_along_with_its_vm(pair: HypervisorPair) -> None:
    intent, disk = await pair.a_booted_vm(), await _a_disk(pair)
    await pair.a.devices.attach_disk(intent.vm, disk, live=True, stored=True, deadline_s=DEADLINE_S)
    assert await _says(pair, pair.a, intent, "printf kept >/dev/vdb; sync; echo wrote=$?", "wrote=0")
    await pair.migrate(intent, MigrationMode.PEER_TO_PEER)
    seen = await pair.seen(pair.b, intent.vm)
    assert seen is not None
    assert [one.target for one in seen.live_disks] == ["vda", "vdb"]
    assert [one.source for one in seen.disks_at_next_start] == [one.source for one in seen.live_disks]
    assert await _says(pair, pair.b, intent, _KEPT, "read=kept")
    await pair.b.devices.detach_disk(intent.vm, disk.target, live=True, stored=True, deadline_s=DEADLINE_S)
    assert await _says(pair, pair.b, intent, _DISKS, "disks=0")
