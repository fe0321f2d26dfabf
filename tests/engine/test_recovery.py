"""The backend is killed at every journal write of every operation; the next one finds the truth, and finishes it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from novacron.model.alert.alert import AlertRule
from novacron.model.migration import MigrationMode
from novacron.model.operation import ENDED, Operation, OperationState, StepState
from novacron.model.operations.creation import CreateVm
from novacron.model.operations.definition import RenameVm, SetAutostart
from novacron.model.operations.deletion import DeleteVm
from novacron.model.operations.intent import Intent
from novacron.model.operations.migration import MigrateVm
from novacron.model.operations.power import ForceOffVm, PauseVm, RebootVm, ResumeVm, ShutdownVm, StartVm
from novacron.model.operations.resizing import ResizeVm
from novacron.model.operations.storage import DeleteVolume, SetPoolActive
from novacron.model.operations.unknown import UnknownIntent
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.vm import VmState
from tests.builders import an_id
from tests.callers import ALICE
from tests.engine.cut_journal import CutJournal
from tests.engine.site import SETTINGS, A, B, Site, a_site, migrate
from tests.memory_journal import MemoryJournal
from tests.operation_builders import an_operation

VM = an_id("web-1")
OFF, ON, HELD = VmState.SHUT_OFF, VmState.RUNNING, VmState.PAUSED


def _volumes(site: Site) -> set[str]:
    return set(site.world.host(A).pool("shared").store.volumes)


CASES: dict[str, tuple[VmState | None, Intent, Callable[[Site], bool]]] = {
    "start": (OFF, StartVm(vm=VM, host=A), lambda site: site.state(VM) is ON),
    "shutdown": (ON, ShutdownVm(vm=VM, host=A), lambda site: site.state(VM) is OFF),
    "reboot": (ON, RebootVm(vm=VM, host=A), lambda site: site.state(VM) is ON),
    "force-off": (ON, ForceOffVm(vm=VM, host=A), lambda site: site.state(VM) is OFF),
    "pause": (ON, PauseVm(vm=VM, host=A), lambda site: site.state(VM) is HELD),
    "resume": (HELD, ResumeVm(vm=VM, host=A), lambda site: site.state(VM) is ON),
    "rename": (
        OFF,
        RenameVm(vm=VM, host=A, new_name="web-9"),
        lambda site: site.world.host(A).machines[VM].name == "web-9",
    ),
    "autostart": (
        OFF,
        SetAutostart(vm=VM, host=A, enabled=True),
        lambda site: site.world.host(A).machines[VM].autostart,
    ),
    "resize": (OFF, ResizeVm(vm=VM, host=A, vcpus=3), lambda site: site.world.host(A).machines[VM].vcpus == 3),
    "delete": (
        OFF,
        DeleteVm(vm=VM, host=A, with_disks=True),
        lambda site: site.state(VM) is None and "/srv/shared/web-1.qcow2" not in _volumes(site),
    ),
    "create": (
        None,
        CreateVm(vm=VM, host=A, name="web-1", pool="shared", disk_mib=64, start=True),
        lambda site: site.state(VM) is ON and sum("web-1" in path for path in _volumes(site)) == 1,
    ),
    "migrate live": (ON, migrate(VM), lambda site: site.running_on(VM) == [B] and site.state(VM, A) is None),
    "migrate direct": (
        ON,
        MigrateVm(vm=VM, host=A, destination=B, mode=MigrationMode.DIRECT),
        lambda site: site.running_on(VM) == [B] and site.state(VM, A) is None,
    ),
    "migrate cold": (
        OFF,
        migrate(VM),
        lambda site: (site.state(VM, A), site.state(VM, B)) == (None, OFF),
    ),
    "pool": (
        None,
        SetPoolActive(host=A, pool="local", active=False),
        lambda site: not site.world.host(A).pool("local").active,
    ),
    "volume": (
        None,
        DeleteVolume(host=A, pool="shared", volume="debian-12.qcow2"),
        lambda site: "/srv/shared/debian-12.qcow2" not in _volumes(site),
    ),
}
ROLL_FORWARD = {"shutdown", "autostart", "resize", "delete", "create", "migrate cold", "pool", "volume"}
"""Those that end done wherever they were cut, but for the steps below."""
ASKED_ONCE = {"start-new", "undefine", "wait-off"}
"""Steps that end it when they, or what they wait for, may have been asked already: nobody asks a second time."""


async def _begin(name: str, writes: int, *, written: bool) -> tuple[Site, CutJournal]:
    before, intent, _ = CASES[name]
    journal = CutJournal(writes, written=written)
    site = a_site(journal=journal)
    if before is not None:
        site.add(state=before)
    await site.start()
    digest = await site.digest(intent)
    submit = site.service.submit(ALICE, intent, plan_digest=digest, idempotency_key="the key")
    task = asyncio.ensure_future(submit)
    await site.clock.run_until(
        lambda: journal.is_cut or any(one.has_ended for one in journal.operations.values()), limit_s=600
    )
    await site.kill()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return site, journal


@pytest.mark.parametrize("written", [False, True], ids=["lost", "written"])
@pytest.mark.parametrize("name", CASES)
async def test_an_operation_cut_at_any_write_is_finished_or_explained(name: str, written: bool) -> None:
    _, intent, reached = CASES[name]
    for writes in range(40):
        site, journal = await _begin(name, writes, written=written)
        if not journal.is_cut:
            assert writes > 2
            return
        site.journal = journal.mended()
        await site.start()
        if not site.journal.operations:
            # Never acknowledged: nothing may have happened, and the same key begins afresh.
            assert not written
            ended = await site.do(intent)
            assert reached(site), (name, writes, ended.outcome)
        else:
            (operation,) = site.journal.operations
            ended = await site.ended(operation, limit_s=1200)
            _judge(name, site, ended, writes)
        assert len(site.running_on(VM)) <= 1
        await site.kill()
    pytest.fail("no operation takes forty writes")


def _judge(name: str, site: Site, ended: Operation, writes: int) -> None:
    _, _, reached = CASES[name]
    where = (name, writes, ended.state, ended.outcome)
    assert ended.state in ENDED, where
    assert ended.outcome or ended.state is OperationState.DONE, where
    if ended.state is OperationState.DONE:
        assert reached(site), where
    if name in ROLL_FORWARD and not _is_left_to_a_person(ended):
        assert ended.state is OperationState.DONE, where
    if name.startswith("migrate") and ended.state is OperationState.FAILED:
        # Carried by the backend, or not asked for yet, it ended with the backend: the VM stays, untouched.
        assert site.running_on(VM) == [A], where


def _is_left_to_a_person(operation: Operation) -> bool:
    failed = [step.id for step in operation.steps if step.state is StepState.FAILED]
    return bool(ASKED_ONCE.intersection(failed))


async def test_a_peer_to_peer_migration_found_under_way_is_followed_to_its_end(site: Site) -> None:
    site.add()
    site.alter(VM, memory_mib=65536, memory_max_mib=65536)
    await site.start()
    operation = await site.accepted(migrate(VM))
    await site.clock.advance(5)
    await site.kill()
    await site.clock.advance(5)
    await site.start()
    now = await site.operation(operation)
    assert not now.has_ended
    await site.clock.advance(5)
    now = await site.operation(operation)
    assert now.progress.job is not None
    assert now.progress.fraction is not None
    ended = await site.ended(operation)
    assert ended.state is OperationState.DONE, ended.outcome
    assert site.running_on(VM) == [B]


async def test_a_migration_found_under_way_can_still_be_cancelled(site: Site) -> None:
    site.add()
    site.alter(VM, memory_mib=262144, memory_max_mib=262144)
    await site.start()
    operation = await site.accepted(migrate(VM))
    await site.clock.advance(5)
    await site.kill()
    await site.start()
    await site.clock.advance(3)
    await site.clock.run(site.service.cancel(ALICE, operation))
    ended = await site.ended(operation)
    assert ended.state is OperationState.CANCELLED, ended.outcome
    assert site.running_on(VM) == [A]


async def test_what_is_unfinished_is_locked_before_anything_new_is_accepted(site: Site) -> None:
    site.add()
    site.alter(VM, memory_mib=65536, memory_max_mib=65536)
    await site.start()
    operation = await site.accepted(migrate(VM))
    await site.clock.advance(5)
    await site.kill()
    await site.start()
    answer = await site.submit(ForceOffVm(vm=VM, host=A))
    assert isinstance(answer, Refusal)
    assert operation in answer.reason


async def test_two_unfinished_operations_of_one_pool_both_hold_what_they_need(site: Site) -> None:
    names = ("web-1", "web-2")
    await site.start()
    for name in names:
        await site.accepted(CreateVm(vm=an_id(name), host=A, name=name, pool="shared", base_volume="debian-12.qcow2"))
    await site.kill()
    site.world.black_hole(A)
    await site.start()
    assert [operation.has_ended for operation in await site.service.operations(ALICE)] == [False, False]
    for name in names:
        answer = await site.submit(DeleteVm(vm=an_id(name), host=A, with_disks=True))
        assert isinstance(answer, Refusal)
        assert answer.code is RefusalCode.LOCKED, answer
        assert name in answer.reason
    third = await site.submit(CreateVm(vm=an_id("web-3"), host=A, name="web-3", pool="shared", disk_mib=64))
    assert isinstance(third, Refusal)
    assert third.code is RefusalCode.LOCKED
    site.world.heal(A)
    for operation in await site.service.operations(ALICE):
        assert (await site.ended(operation.id)).state is OperationState.DONE
    await site.do(CreateVm(vm=an_id("web-3"), host=A, name="web-3", pool="shared", disk_mib=64))


async def test_an_operation_that_never_began_is_not_begun_after_its_host_was_away_for_long() -> None:
    site, journal = await _begin("force-off", 0, written=True)
    site.journal = journal.mended()
    site.world.black_hole(A)
    await site.start()
    await site.clock.advance(3600)
    site.world.heal(A)
    (operation,) = site.journal.operations
    ended = await site.ended(operation)
    assert ended.state is OperationState.NEEDS_ATTENTION
    assert site.state(VM) is ON
    await site.kill()


async def test_an_operation_that_never_began_is_not_begun_days_later() -> None:
    site, journal = await _begin("force-off", 0, written=True)
    site.journal = journal.mended()
    await site.clock.advance(3600)
    await site.start()
    (operation,) = site.journal.operations
    ended = await site.ended(operation)
    assert ended.state is OperationState.NEEDS_ATTENTION
    assert "ask again" in ended.outcome
    assert site.state(VM) is ON
    await site.kill()


async def test_an_operation_that_never_began_is_refused_when_the_world_has_changed() -> None:
    site, journal = await _begin("start", 0, written=True)
    site.journal = journal.mended()
    site.add(host=B)
    await site.start()
    (operation,) = site.journal.operations
    ended = await site.ended(operation)
    assert ended.state is OperationState.FAILED
    assert "kvm-b" in ended.outcome
    assert site.running_on(VM) == [B]
    await site.kill()


async def test_recovery_waits_for_a_host_that_does_not_answer(site: Site) -> None:
    site.add()
    site.alter(VM, obeys_power_button=False)
    await site.start()
    operation = await site.accepted(ShutdownVm(vm=VM, host=A, timeout_s=5000))
    await site.clock.advance(3)
    await site.kill()
    site.world.black_hole(A)
    await site.start()
    await site.clock.advance(600)
    now = await site.operation(operation)
    assert now.state is OperationState.SETTLING
    assert "kvm-a" in now.progress.note
    site.world.heal(A)
    site.alter(VM, state=OFF)
    ended = await site.ended(operation)
    assert ended.state is OperationState.DONE, ended.outcome


async def test_a_finished_operation_is_not_taken_up_again(site: Site) -> None:
    site.add(state=OFF)
    await site.start()
    await site.do(StartVm(vm=VM, host=A))
    await site.kill()
    site.alter(VM, state=OFF)
    await site.start()
    await site.clock.advance(30)
    assert site.state(VM) is OFF


async def test_a_journal_that_opens_late_is_taken_up_then_and_nothing_is_accepted_before(site: Site) -> None:
    assert isinstance(site.journal, MemoryJournal)
    site.add()
    site.alter(VM, memory_mib=16384, memory_max_mib=16384)
    await site.start()
    operation = await site.accepted(migrate(VM))
    await site.clock.advance(2)
    await site.kill()
    site.journal.fails = "it is damaged"
    await site.start()
    assert (await site.fleet()).find_vm(VM) is not None
    assert (await site.refused(ForceOffVm(vm=VM, host=A))).code is RefusalCode.JOURNAL
    await site.clock.advance(2)
    assert [alert.rule for alert in await site.alerts()] == [AlertRule.JOURNAL_FAILED]
    site.journal.fails = ""
    await site.clock.advance(SETTINGS.journal_retry_s + 60)
    assert (await site.operation(operation)).state is OperationState.DONE
    assert await site.alerts() == ()


async def test_an_operation_that_cannot_be_taken_up_needs_attention_and_keeps_no_other_back(site: Site) -> None:
    assert isinstance(site.journal, MemoryJournal)
    site.add()
    other = site.add("web-2")
    for vm in (VM, other):
        site.alter(vm, memory_mib=16384, memory_max_mib=16384)
    await site.start()
    first = await site.accepted(migrate(VM))
    second = await site.accepted(migrate(other))
    await site.clock.advance(2)
    await site.kill()
    written = site.journal.operations[first]
    # As no version of ours writes it.
    site.journal.operations[first] = replace(written, steps=(None, *written.steps[1:]))  # type: ignore[arg-type]
    await site.start()
    left = await site.ended(first)
    assert left.state is OperationState.NEEDS_ATTENTION
    assert "cannot be taken up after the restart: AttributeError" in left.outcome
    assert (await site.ended(second)).state is OperationState.DONE
    assert AlertRule.OPERATION_FAILED in [alert.rule for alert in await site.alerts()]


async def test_an_operation_that_a_newer_version_began_is_left_alone_and_keeps_its_vm(site: Site) -> None:
    assert isinstance(site.journal, MemoryJournal)
    site.add()
    strange = UnknownIntent(host=A, named="teleport", vm=VM, content='{"kind": "teleport"}')
    left = replace(an_operation(1, intent=strange), title="teleport web-1 to mars")
    site.journal.operations[left.id] = left
    await site.start()
    await site.clock.advance(60)
    now = await site.operation(left.id)
    assert (now.state, now.steps) == (left.state, left.steps)
    assert "does not understand it" in now.progress.note
    refused = await site.refused(ForceOffVm(vm=VM, host=A))
    assert refused.code is RefusalCode.LOCKED
    assert "teleport web-1 to mars" in refused.reason
    await site.kill()
    assert site.journal.operations[left.id] == left, "nothing is written about it"
