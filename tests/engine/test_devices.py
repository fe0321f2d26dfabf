"""Disks and NICs are attached and detached: done when every side that was asked for shows it, and not before."""

from dataclasses import replace

import pytest

from novacron.model.device import DiskBus
from novacron.model.operation import OperationState
from novacron.model.operations.definition import RenameVm
from novacron.model.operations.disks import AttachDisk, DetachDisk
from novacron.model.operations.nics import AttachNic, DetachNic
from novacron.model.plan.device_scope import DeviceScope
from novacron.model.refusal import RefusalCode
from novacron.model.vm import VmDisk, VmState
from tests.builders import an_id
from tests.engine.site import ALICE, SETTINGS, A, Site

VM = an_id("web-1")
MAC = "52:54:00:aa:bb:cc"


def _a_volume(site: Site, name: str = "data.qcow2") -> str:
    """Put a volume that nothing needs into the shared pool, and return its path."""
    return site.world.host(A).pool("shared").store.add(name, capacity_mib=1024, allocation_mib=10, owner=None)


def _attach(**changes: object) -> AttachDisk:
    return replace(AttachDisk(vm=VM, host=A, pool="shared", volume="data.qcow2"), **changes)


def _targets(site: Site) -> tuple[list[str], list[str]]:
    """Return the disks of the process, and those of its next start."""
    machine = site.world.host(A).machines[VM]
    return [disk.target for disk in machine.disks], [disk.target for disk in machine.stored_disks]


@pytest.mark.parametrize(
    ("scope", "now", "later"),
    [
        (DeviceScope.BOTH, ["vda", "vdb"], ["vda", "vdb"]),
        (DeviceScope.NOW, ["vda", "vdb"], ["vda"]),
        (DeviceScope.NEXT_START, ["vda"], ["vda", "vdb"]),
    ],
)
async def test_a_disk_is_attached_where_it_was_asked_for(
    site: Site, scope: DeviceScope, now: list[str], later: list[str]
) -> None:
    site.add()
    _a_volume(site)
    await site.start()
    ended = await site.do(_attach(scope=scope))
    assert ended.state is OperationState.DONE, ended.outcome
    assert ended.title == f"attach data.qcow2 as vdb to web-1 on {A}"
    assert _targets(site) == (now, later)
    # The VM runs: what it has only at its next start is not told as if it had it.
    when = " at its next start" if scope is DeviceScope.NEXT_START else ""
    assert ended.outcome.endswith(f"with disk vdb{when}")
    detached = await site.do(DetachDisk(vm=VM, host=A, target="vdb", scope=scope))
    assert detached.state is OperationState.DONE, detached.outcome
    assert detached.outcome.endswith(f"disk vdb is gone{when}")
    assert _targets(site) == (["vda"], ["vda"])


async def test_a_vm_that_is_off_gets_a_disk_for_its_next_start(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    _a_volume(site)
    await site.start()
    assert (await site.refused(_attach(scope=DeviceScope.NOW))).code is RefusalCode.WRONG_STATE
    assert (await site.do(_attach(bus=DiskBus.SATA))).state is OperationState.DONE
    assert _targets(site)[1] == ["vda", "sda"]


async def test_a_volume_that_another_vm_has_is_not_attached(site: Site) -> None:
    site.add()
    site.add("db-1", state=VmState.SHUT_OFF)
    await site.start()
    refused = await site.refused(_attach(volume="db-1.qcow2"))
    assert refused.code is RefusalCode.IN_USE
    assert "db-1" in refused.reason


async def test_a_volume_that_another_vm_got_after_the_preview_is_not_attached(site: Site) -> None:
    site.add()
    other = site.add("db-1", state=VmState.SHUT_OFF)
    path = _a_volume(site)
    await site.start()
    digest = await site.digest(_attach())
    machine = site.world.host(A).machines[other]
    site.alter(other, disks=(*machine.disks, VmDisk(target="vdb", source=path, format="qcow2")))
    answer = await site.clock.run(site.service.submit(ALICE, _attach(), plan_digest=digest, idempotency_key="key-one"))
    assert getattr(answer, "code", None) is RefusalCode.IN_USE
    assert _targets(site) == (["vda"], ["vda"])


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"target": "vda"}, "has vda already"),
        ({"target": "hda"}, "is no disk at virtio"),
        ({"bus": DiskBus.SATA}, "SATA takes no disk"),
        ({"volume": "none.qcow2"}, "no volume none.qcow2"),
        ({"pool": "none"}, "no pool none"),
    ],
)
async def test_what_cannot_be_is_refused_before(site: Site, changes: dict[str, object], text: str) -> None:
    site.add()
    _a_volume(site)
    await site.start()
    assert text in (await site.refused(_attach(**changes))).reason


async def test_without_a_free_port_nothing_is_changed_and_the_way_out_is_named(site: Site) -> None:
    site.add(change=lambda machine: replace(machine, spare_ports=0))
    _a_volume(site)
    await site.start()
    ended = await site.do(_attach())
    assert ended.state is OperationState.FAILED
    assert "from its next start" in ended.outcome
    assert _targets(site) == (["vda"], ["vda"])


async def test_a_guest_that_keeps_a_disk_is_told_and_the_stored_definition_has_it_no_more(site: Site) -> None:
    site.add(change=lambda machine: replace(machine, obeys_unplugging=False))
    _a_volume(site)
    await site.start()
    await site.do(_attach())
    before = site.clock.monotonic()
    ended = await site.do(DetachDisk(vm=VM, host=A, target="vdb"))
    assert ended.state is OperationState.FAILED
    assert "its guest did not let go of it" in ended.outcome
    assert site.clock.monotonic() - before >= SETTINGS.detach_patience_s
    assert _targets(site) == (["vda", "vdb"], ["vda"])


async def test_waiting_for_a_guest_to_let_go_can_be_cancelled(site: Site) -> None:
    site.add(change=lambda machine: replace(machine, obeys_unplugging=False))
    _a_volume(site)
    await site.start()
    await site.do(_attach())
    operation = await site.accepted(DetachDisk(vm=VM, host=A, target="vdb"))
    await site.clock.advance(5)
    await site.clock.run(site.service.cancel(ALICE, operation))
    ended = await site.ended(operation)
    assert ended.state is OperationState.CANCELLED
    assert "may still let go of it" in ended.outcome


async def test_a_paused_guest_lets_go_when_it_goes_on_also_after_a_restart_of_the_backend(site: Site) -> None:
    site.add(change=lambda machine: replace(machine, state=VmState.PAUSED))
    _a_volume(site)
    await site.start()
    await site.do(_attach())
    operation = await site.accepted(DetachDisk(vm=VM, host=A, target="vdb"))
    await site.clock.advance(5)
    await site.kill()
    await site.start()
    await site.clock.advance(5)
    assert _targets(site) == (["vda", "vdb"], ["vda"])
    site.alter(VM, state=VmState.RUNNING, disks=site.world.host(A).machines[VM].stored_disks, next_disks=None)
    assert (await site.ended(operation)).state is OperationState.DONE


async def test_an_interrupted_attachment_is_there_once(site: Site) -> None:
    site.add()
    _a_volume(site)
    await site.start()
    operation = await site.accepted(_attach())
    await site.kill()
    await site.start()
    ended = await site.ended(operation)
    assert ended.state is OperationState.DONE, ended.outcome
    assert _targets(site) == (["vda", "vdb"], ["vda", "vdb"])


async def test_a_nic_is_attached_and_detached(site: Site) -> None:
    site.add()
    await site.start()
    ended = await site.do(AttachNic(vm=VM, host=A, network="default", mac=MAC))
    assert ended.state is OperationState.DONE, ended.outcome
    assert MAC in {nic.mac for nic in site.world.host(A).machines[VM].nics}
    refused = await site.refused(AttachNic(vm=VM, host=A, network="default", mac=MAC))
    assert refused.code is RefusalCode.IN_USE
    ended = await site.do(DetachNic(vm=VM, host=A, mac=MAC))
    assert ended.state is OperationState.DONE, ended.outcome
    assert MAC not in {nic.mac for nic in site.world.host(A).machines[VM].stored_nics}
    assert (await site.refused(DetachNic(vm=VM, host=A, mac=MAC))).code is RefusalCode.NOT_FOUND


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"mac": "01:00:5e:00:00:01"}, "no address of one interface"),
        ({"mac": "52:54:00:AA:BB:CC"}, "no address of one interface"),
        ({"mac": "52:54:00:00:00:01"}, "it has the MAC address"),
        ({"network": "none"}, "no active network"),
        ({"model": "ne2k"}, "none that NovaCron gives"),
    ],
)
async def test_a_nic_that_cannot_be_is_refused(site: Site, changes: dict[str, str], text: str) -> None:
    site.add()
    await site.start()
    wanted = replace(AttachNic(vm=VM, host=A, network="default", mac=MAC), **changes)
    assert text in (await site.refused(wanted)).reason


async def test_renaming_a_vm_that_runs_is_refused_with_the_reason(site: Site) -> None:
    site.add()
    await site.start()
    refused = await site.refused(RenameVm(vm=VM, host=A, new_name="web-2"))
    assert refused.code is RefusalCode.WRONG_STATE
    assert "running" in refused.reason
    assert "shut it down first" in refused.remedy
