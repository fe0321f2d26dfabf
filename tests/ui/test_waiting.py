"""Operations that wait for their turn: told from those that run wherever they are shown, and cancelled as usual."""

from dataclasses import replace
from datetime import timedelta

import pytest
from syrupy.assertion import SnapshotAssertion

from novacron.model.ids import HostId
from novacron.model.operation import Operation, OperationState, Progress, StepRecord, StepState
from novacron.model.operations.migration import MigrateVm
from novacron.model.work.wait import Wait
from tests.builders import NOW, an_id
from tests.operation_builders import a_step, an_operation
from tests.ui.fake_backend import FakeBackend
from tests.ui.fleet import a_mixed_fleet
from tests.ui.operator import LARGE, SMALL, at_console
from tests.ui.svg import svg_of

A, B = HostId("kvm-fra-01"), HostId("kvm-fra-02")
REASON = "at most 1 migrations leave kvm-fra-01 at once"


def _migration(number: int, name: str, progress: Progress, state: OperationState) -> Operation:
    return an_operation(
        number,
        intent=MigrateVm(vm=an_id(name), host=A, destination=B),
        title=f"migrate {name} from {A} to {B} (p2p) with its disks",
        subject=name,
        state=state,
        progress=progress,
    )


def _running() -> Operation:
    return _migration(1, "web-1", Progress(fraction=0.43), OperationState.RUNNING)


def _waiting(number: int, name: str, behind: Operation) -> Operation:
    wait = Wait(reason=REASON, resource="host:kvm-fra-01/migrations-out", operation=behind.id, title=behind.title)
    return replace(_migration(number, name, Progress(queued=wait), OperationState.ACCEPTED), can_cancel=False)


def _console() -> FakeBackend:
    console = FakeBackend(a_mixed_fleet())
    second = _waiting(2, "web-2", _running())
    console.show_operations(_waiting(3, "web-10", second), second, _running())
    return console


@pytest.mark.parametrize(("size", "header"), [(SMALL, "◐1 ◌2"), (LARGE, "◐ 1 ops ◌ 2 waiting")])
async def test_a_vm_whose_operation_waits_is_not_said_to_migrate(size: tuple[int, int], header: str) -> None:
    async with at_console(_console(), size=size) as operator:
        operator.sees(header)
        assert "⇄ migrating 43%" in operator.line_with("web-1 ")
        assert "◌ waiting" in operator.line_with("web-2 ")
        await operator.type("/name:=web-2")
        await operator.press("enter")
        operator.sees(f"waiting: {REASON}")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_pane_and_the_detail_say_who_waits_for_whom(size: tuple[int, int]) -> None:
    async with at_console(_console(), size=size) as operator:
        await operator.press("3")
        await operator.type("/state:waiting name:=web-2")
        await operator.press("enter")
        assert "◌ waiting" in operator.line_with("migrate web-2")
        operator.sees(f"waiting: {REASON}")
        if size is LARGE:
            operator.sees("behind migrate web-1")
        await operator.press("enter")
        operator.sees("◌ waiting")
        assert f'waits for "{_running().title}"' in " ".join(operator.text.split())


async def test_the_detail_of_one_that_waited_tells_waiting_from_working() -> None:
    begun = NOW + timedelta(minutes=3)
    step = StepRecord(
        id="move", args=a_step(), title="move it", state=StepState.FINISHED, started_at=begun, finished_at=begun
    )
    ended = replace(
        _migration(1, "web-1", Progress(), OperationState.DONE),
        accepted_at=NOW,
        ended_at=begun + timedelta(seconds=24),
        steps=(step,),
    )
    console = FakeBackend(a_mixed_fleet())
    console.show_operations(ended)
    async with at_console(console) as operator:
        await operator.press("3", "enter")
        operator.sees("took 3m24, of which 3m00 waiting")


async def test_a_wait_is_cancelled_by_the_usual_key() -> None:
    console = _console()
    async with at_console(console) as operator:
        await operator.press("3", "C")
        operator.sees("Cancel this?", "◌ migrate web-10", "waiting, nothing was done yet")
        await operator.press("y")
        assert console.cancelled == [_waiting(3, "web-10", _running()).id]


async def test_a_vm_that_waits_to_migrate_is_not_paused_for_a_migration() -> None:
    console = _console()
    async with at_console(console) as operator:
        await operator.type("/name:=web-2")
        await operator.press("enter", "p")
        operator.sees("an operation that waits (C cancels it)")
        assert not console.submitted


@pytest.mark.parametrize(("size", "name"), [(SMALL, "waiting-small"), (LARGE, "waiting")])
async def test_the_queue_looks_as_in_its_picture(
    size: tuple[int, int], name: str, screenshot: SnapshotAssertion
) -> None:
    async with at_console(_console(), size=size) as operator:
        await operator.press("3")
        assert svg_of(operator.app) == screenshot(name=name)
