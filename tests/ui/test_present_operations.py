"""How a migration looks while it runs, stuck and ended: pure texts, no screen."""

from dataclasses import replace
from datetime import timedelta

import pytest

from novacron.model.ids import HostId, OperationId
from novacron.model.operation import AskedBy, Operation, OperationState, Progress, StepRecord, StepState
from novacron.model.operations.migration import MigrateVm
from novacron.model.plan.forecast import forecast
from novacron.model.work.wait import Wait
from novacron_tui.commands.command import Context
from novacron_tui.commands.operations import refuse_cancel
from novacron_tui.commands.power import POWER
from novacron_tui.present.column import CellContext
from novacron_tui.present.confirm import cancel_lines
from novacron_tui.present.console_state import ConsoleState
from novacron_tui.present.glyphs import UNICODE
from novacron_tui.present.meter import bar
from novacron_tui.present.operation_detail import operation_lines
from novacron_tui.present.operations import OPERATIONS
from novacron_tui.present.quantity import clock_time
from tests.builders import NOW, a_fleet, a_host, a_vm, an_id
from tests.operation_builders import a_job, a_step, an_operation

CONTEXT = CellContext(now=NOW + timedelta(seconds=60), glyphs=UNICODE)
INTENT = MigrateVm(vm=an_id("web-1"), host=HostId("a"), destination=HostId("b"))
STUCK = a_job(memory_remaining_mib=768.0, rate_mib_s=30, dirty_rate_mib_s=40, iteration=9)


def _migration(progress: Progress, *, state: OperationState = OperationState.RUNNING, **intent: int) -> Operation:
    return an_operation(intent=replace(INTENT, **intent), state=state, progress=progress)


def _stuck() -> Operation:
    return _migration(forecast(Progress(fraction=0.99), replace(STUCK, downtime_ms=849_350), NOW))


def _detail(operation: Operation) -> str:
    return "\n".join("".join(part.text for part in line) for line in operation_lines(operation, CONTEXT, 100))


def _cells(operation: Operation) -> dict[str, str]:
    return {column.id: column.cell(operation, CONTEXT).forms[0] for column in OPERATIONS.columns}


def test_the_detail_says_who_asked_to_stop_and_who_gave_up() -> None:
    stopped = replace(
        _migration(Progress()),
        cancel_asked=AskedBy(actor="bob", at=NOW),
        give_up_asked=AskedBy(actor="carol", at=NOW + timedelta(seconds=5)),
    )
    assert f"cancel asked by bob {clock_time(NOW)}" in _detail(stopped)
    assert f"given up by carol {clock_time(NOW + timedelta(seconds=5))}" in _detail(stopped)


@pytest.mark.parametrize("width", [1, 8, 40])
def test_only_all_of_it_is_a_full_bar(width: int) -> None:
    for part in (0.99, 0.9999):
        assert bar(part, width, UNICODE).count(UNICODE.bar_full) == width - 1
    assert bar(1.0, width, UNICODE) == UNICODE.bar_full * width


def test_a_stuck_migration_shows_what_is_left_and_no_end() -> None:
    cells = _cells(_stuck())
    assert "25%" in cells["progress"]
    assert cells["left"] == "never?"


def test_a_pause_that_is_expected_is_told_from_the_one_that_is_allowed() -> None:
    assert "would be 14m now, 300 ms allowed" in _detail(_stuck())
    chosen = _migration(forecast(Progress(), replace(STUCK, downtime_ms=2000), NOW), max_downtime_ms=5000)
    assert "would be 2000 ms now, 5000 ms allowed" in _detail(chosen)
    unknown = _migration(forecast(Progress(), replace(STUCK, downtime_ms=None), NOW))
    assert "300 ms allowed" in _detail(unknown)


def test_what_was_expected_while_it_ran_is_not_told_of_one_that_has_ended() -> None:
    ended = replace(_stuck(), state=OperationState.CANCELLED, ended_at=NOW)
    assert "allowed" not in _detail(ended)


def test_a_vm_may_be_paused_while_it_migrates() -> None:
    (pause,) = (command for command in POWER if command.id == "vm.pause")
    (shutdown,) = (command for command in POWER if command.id == "vm.shutdown")
    fleet = a_fleet(a_host("a", a_vm(job_active=True)))
    vm = fleet.vms[an_id("web-1")]
    context = Context(state=ConsoleState(fleet=fleet, operations=(_stuck(),), busy={vm.id: _stuck()}), now=NOW)
    assert pause.refuse(vm, context) is None
    assert "is under way" in (shutdown.refuse(vm, context) or "")


@pytest.mark.parametrize(
    ("state", "sign"), [(OperationState.CANCELLED, UNICODE.off), (OperationState.FAILED, UNICODE.failed)]
)
def test_the_step_with_which_a_cancelled_operation_ended_is_not_marked_as_failed(
    state: OperationState, sign: str
) -> None:
    step = StepRecord(
        id="look", args=a_step(), title="read the outcome", state=StepState.FAILED, detail="it is running on a"
    )
    shown = _detail(replace(_migration(Progress(), state=state), steps=(step,)))
    (line,) = (line for line in shown.split("\n") if "read the outcome" in line)
    assert line.strip().startswith(sign)


def _wait() -> Operation:
    wait = Wait(
        reason="at most 2 migrations leave kvm-a at once",
        resource="host:kvm-a/migrations-out",
        operation=OperationId("op-7"),
        title="migrate db-1",
    )
    return an_operation(state=OperationState.ACCEPTED, progress=Progress(queued=wait), steps=())


def test_an_operation_that_waits_says_for_whom_in_its_row_and_in_its_detail() -> None:
    cells, detail = _cells(_wait()), " ".join(_detail(_wait()).split())
    assert "waiting" in cells["state"]
    assert "waiting" in detail
    text = 'waits for "migrate db-1" (operation op-7): at most 2 migrations leave kvm-a at once'
    assert text in cells["title"]
    assert text in detail


def test_cancelling_what_waits_says_that_nothing_was_done() -> None:
    asked = "\n".join("".join(part.text for part in line) for line in cancel_lines([_wait()], 120, UNICODE))
    assert "nothing was done yet" in asked
    assert "not taken back" not in asked
    assert refuse_cancel(_wait(), Context(state=ConsoleState(), now=NOW)) is None
