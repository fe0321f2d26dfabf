"""What the backend was told before it was restarted is known after it, and who cannot be asked may need anything."""

from dataclasses import replace

import pytest

from novacron.engine.last_readings import LastReadings
from novacron.model.alert.alert import AlertRule
from novacron.model.files import UseKind
from novacron.model.host import HostReading
from novacron.model.ids import HostId
from novacron.model.link import LinkStatus
from novacron.model.operation import OperationState
from novacron.model.operations.deletion import DeleteVm
from novacron.model.operations.power import ResumeVm, StartVm
from novacron.model.operations.storage import DeleteVolume
from novacron.model.refusal import RefusalCode
from novacron.model.vm import VmState
from tests.builders import a_reading, a_vm, an_id
from tests.callers import ALICE
from tests.engine.site import A, B, C, Site
from tests.memory_archive import MemoryArchive

VM = an_id("web-1")


async def _restart_without(site: Site, host: str) -> None:
    await site.kill()
    site.world.refuse(host, LinkStatus.UNREACHABLE)
    site.world.cut(host)
    await site.start()


async def test_a_vm_on_a_host_that_is_silent_since_the_restart_is_still_shown(site: Site) -> None:
    site.add(host=B)
    await site.start()
    await _restart_without(site, B)
    found = (await site.fleet()).find_vm(VM)
    assert found is not None
    assert not found.home.is_current
    assert found.home.vm.state is VmState.RUNNING


async def test_a_second_copy_is_not_started_while_the_first_may_run_on_a_host_silent_since_the_restart(
    site: Site,
) -> None:
    site.add(state=VmState.SHUT_OFF)
    site.add(host=B)
    await site.start()
    await _restart_without(site, B)
    refusal = await site.refused(StartVm(vm=VM, host=A))
    assert refusal.code is RefusalCode.UNKNOWN_ELSEWHERE
    assert "kvm-b, where it was last seen running" in refusal.reason


async def test_a_copy_is_started_when_a_person_vouches_that_the_first_cannot_run(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    site.add(host=B)
    await site.start()
    await _restart_without(site, B)
    site.world.host(B).machines.clear()
    assert (await site.do(StartVm(vm=VM, host=A, vouched=(B,)))).state is OperationState.DONE


async def test_a_host_that_is_vouched_for_and_answers_is_believed_itself(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    site.add(host=B)
    await site.start()
    refusal = await site.refused(StartVm(vm=VM, host=A, vouched=(B,)))
    assert refusal.code is RefusalCode.ACTIVE_ELSEWHERE


async def test_a_paused_copy_is_not_resumed_either(site: Site) -> None:
    site.add(state=VmState.PAUSED)
    site.add(host=B, state=VmState.SHUT_OFF)
    await site.start()
    await _restart_without(site, B)
    assert (await site.refused(ResumeVm(vm=VM, host=A))).code is RefusalCode.UNKNOWN_ELSEWHERE


async def test_a_shared_volume_is_kept_while_a_host_that_reaches_it_is_silent(site: Site) -> None:
    site.add(host=B)
    await site.start()
    await _restart_without(site, B)
    refusal = await site.refused(DeleteVolume(host=A, pool="shared", volume="web-1.qcow2"))
    assert refusal.code is RefusalCode.IN_USE, "what it used is remembered"
    refusal = await site.refused(DeleteVolume(host=A, pool="shared", volume="debian-12.qcow2"))
    assert refusal.code is RefusalCode.UNKNOWN_ELSEWHERE, "what it uses since is not known"
    vouched = DeleteVolume(host=A, pool="shared", volume="debian-12.qcow2", vouched=(B,))
    assert (await site.do(vouched)).state is OperationState.DONE
    # What is on the host's own disk is nobody else's business.
    assert (await site.do(DeleteVolume(host=A, pool="local", volume="debian-12.qcow2"))).state is OperationState.DONE


async def test_a_host_that_left_the_fleet_keeps_what_it_needed_through_a_restart(site: Site) -> None:
    site.add(host=C)
    await site.start()
    site.only = (A, B)
    await site.clock.run(site.service.set_hosts([spec for spec in site.world.specs if spec.id in site.only]))
    for _ in range(2):
        refusal = await site.refused(DeleteVolume(host=A, pool="shared", volume="web-1.qcow2"))
        assert refusal.code is RefusalCode.IN_USE
        assert "web-1 on kvm-c" in refusal.reason
        await site.kill()
        await site.start()
    vouched = DeleteVolume(host=A, pool="shared", volume="web-1.qcow2", vouched=(C,))
    assert (await site.do(vouched)).state is OperationState.DONE


async def test_a_host_that_comes_back_under_its_name_is_former_no_more(site: Site) -> None:
    site.add(host=C)
    await site.start()
    for names in ((A, B), (A, B, C)):
        await site.clock.run(site.service.set_hosts([spec for spec in site.world.specs if spec.id in names]))
    assert (await site.fleet()).former == ()
    await site.clock.advance(5)
    assert (await site.fleet()).hosts[C].is_current


async def test_a_file_that_was_replaced_after_the_confirmation_is_kept(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    await site.start()
    intent = DeleteVm(vm=VM, host=A, with_disks=True)
    digest = await site.digest(intent)
    store = site.world.host(A).pool("shared").store
    store.label = "another file system mounted over it"
    answer = await site.clock.run(site.service.submit(ALICE, intent, plan_digest=digest, idempotency_key="k"))
    assert getattr(answer, "code", None) is RefusalCode.CHANGED
    assert f"{store.path}/web-1.qcow2" in store.volumes


async def test_a_vm_that_is_based_on_a_volume_through_a_link_keeps_it(site: Site) -> None:
    other = site.add("web-2", host=B)
    home = site.world.host(B)
    store = home.pool("shared").store
    base = store.add("base.qcow2", capacity_mib=100)
    home.folder_links["/mnt/link"] = store.path
    store.add("mid.qcow2", capacity_mib=100, backing_path=base)
    store.add("top.qcow2", capacity_mib=100, backing_path=f"{store.path}/mid.qcow2")
    disks = home.machines[other].disks
    site.alter(other, B, disks=(replace(disks[0], source="/mnt/link/top.qcow2"),))
    await site.start()
    for name in ("top.qcow2", "mid.qcow2", "base.qcow2"):
        refusal = await site.refused(DeleteVolume(host=A, pool="shared", volume=name))
        assert refusal.code is RefusalCode.IN_USE
        assert "web-2 on kvm-b" in refusal.reason
    assert all(use.kind is UseKind.FILE for use in (await site.fleet()).vms[other].home.vm.uses)


async def test_the_word_of_a_host_that_cannot_tell_of_files_is_kept_unless_a_better_one_is() -> None:
    archive = MemoryArchive()
    kept = LastReadings(archive)
    whole = a_reading("kvm-c", a_vm("web-1"))
    untold = replace(whole, vms=(), files_trouble="it gives libvirt only, no commands")
    for reading, expected in ((untold, untold), (whole, whole), (untold, whole)):
        kept.note(reading)
        await kept.stop()
        assert archive.readings["kvm-c"].files_trouble == expected.files_trouble
        assert len(archive.readings["kvm-c"].vms) == len(expected.vms)


async def test_a_machine_that_answers_under_another_name_is_kept_under_that_one_alone() -> None:
    archive = MemoryArchive()
    first = a_reading("kvm-a", a_vm())
    for reading in (first, a_reading("kvm-b", a_vm("web-2"))):
        await archive.keep(replace(reading, facts=replace(reading.facts, uuid=f"uuid of {reading.host}")))
    readings = LastReadings(archive)
    await readings.load()
    renamed = replace(first, host=HostId("kvm-new"), facts=replace(first.facts, uuid="uuid of kvm-a"))
    readings.note(renamed)
    await readings.stop()
    assert set(archive.readings) == {"kvm-b", "kvm-new"}


async def test_an_unforeseen_fault_while_a_reading_is_kept_is_told_and_the_reading_kept_later(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(MemoryArchive):
        failures = 1

        async def keep(self, reading: HostReading) -> None:
            if self.failures:
                self.failures -= 1
                raise ValueError("no such encoding")
            await super().keep(reading)

    site.archive = Failing()
    await site.start()
    await site.clock.advance(60)
    assert set(site.archive.readings) == {A, B, C}
    assert "keeping what hosts said last failed" in caplog.text
    assert AlertRule.TASK_FAILED in {alert.rule for alert in await site.alerts()}
