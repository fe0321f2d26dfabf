"""Events are committed in groups, in their order; each waits for its own commit and for no other."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from novacron.engine.journal_writer import JournalWriter
from novacron.engine.lease import LeaseKeeper
from novacron.engine.ledger import Ledger
from novacron.engine.settings import EngineSettings
from novacron.model.errors import JournalError
from novacron.model.ids import OperationId
from novacron.model.operation import Operation, OperationState, StepRecord, StepState
from novacron.model.work.event import Accepted, Event, StateMoved, StepRecorded
from tests.fake_clock import FakeClock, settle
from tests.memory_journal import MemoryJournal
from tests.operation_builders import a_step, an_operation


class HeldJournal(MemoryJournal):
    """Makes each commit wait until it is let through, and remembers what was in it."""

    def __init__(self) -> None:
        super().__init__()
        self.commits: list[list[Event]] = []
        self.bad: set[OperationId] = set()
        self._gate = asyncio.Semaphore(0)

    async def append(self, events: Sequence[Event], *, epoch: int = 0) -> Mapping[OperationId, JournalError]:
        """Commit once let through."""
        self.commits.append(list(events))
        await self._gate.acquire()
        await super().append([event for event in events if event.operation not in self.bad], epoch=epoch)
        found = self.bad & {event.operation for event in events}
        return {operation: JournalError("journal", "it is a bad one") for operation in found}

    async def let(self, commits: int = 1) -> None:
        """Let some commits through."""
        for _ in range(commits):
            self._gate.release()
            await settle()


def _accepted(number: int) -> Accepted:
    return Accepted(accepted=an_operation(number, state=OperationState.ACCEPTED))


def _moved(number: int, state: OperationState) -> StateMoved:
    return StateMoved(operation=an_operation(number).id, state=state)


def _nothing() -> None:
    """Be told and do nothing."""


def _tasks(writer: JournalWriter, *events: Event) -> "list[asyncio.Task[None]]":
    return [asyncio.create_task(writer.require(event, _nothing)) for event in events]


async def test_what_gathers_during_a_commit_is_one_commit_after_it() -> None:
    journal = HeldJournal()
    writer = JournalWriter(journal)
    first = _tasks(writer, _accepted(1))
    await settle()
    others = _tasks(writer, *(_accepted(number) for number in range(2, 50)))
    await settle()
    assert [len(commit) for commit in journal.commits] == [1]
    await journal.let()
    assert first[0].done()
    assert not any(task.done() for task in others), "told before they are durable"
    await journal.let()
    assert all(task.done() for task in others)
    assert [len(commit) for commit in journal.commits] == [1, 48]
    assert list(journal.operations) == [an_operation(number).id for number in range(1, 50)]


async def test_a_caller_that_is_cancelled_takes_no_other_with_it_and_its_event_is_written_and_told_all_the_same() -> (
    None
):
    journal = HeldJournal()
    writer = JournalWriter(journal)
    told: list[str] = []
    gone = asyncio.create_task(writer.require(_accepted(1), lambda: told.append("gone")))
    stays = asyncio.create_task(writer.require(_accepted(2), lambda: told.append("stays")))
    await settle()
    gone.cancel()
    await settle()
    assert gone.cancelled()
    await journal.let()
    assert stays.done()
    assert told == ["gone", "stays"]


async def test_what_must_be_kept_is_written_later_before_what_came_after_it_and_the_rest_is_refused() -> None:
    journal = MemoryJournal()
    writer = JournalWriter(journal)
    await writer.require(_accepted(1), _nothing)
    journal.fails = "its disk is full"
    await writer.keep(_moved(1, OperationState.RUNNING), _nothing)
    with pytest.raises(JournalError, match="full"):
        await writer.require(_accepted(2), _nothing)
    await writer.keep(_moved(1, OperationState.DONE), _nothing)
    assert writer.fault is not None
    journal.fails = ""
    await writer.require(_accepted(3), _nothing)
    assert writer.fault is None
    assert journal.operations[an_operation(1).id].state is OperationState.DONE
    assert set(journal.operations) == {an_operation(1).id, an_operation(3).id}


async def test_a_bad_event_holds_up_its_own_operation_alone_and_keeps_its_place() -> None:
    journal = HeldJournal()
    writer = JournalWriter(journal)
    await journal.let(2)
    await asyncio.gather(*_tasks(writer, _accepted(1), _accepted(2)))
    bad = an_operation(1).id
    journal.bad = {bad}
    await journal.let(9)
    await writer.keep(_moved(1, OperationState.RUNNING), _nothing)
    with pytest.raises(JournalError, match="bad one"):
        await writer.require(StepRecorded(operation=bad, step=an_operation(1).steps[0]), _nothing)
    await writer.require(_accepted(3), _nothing)
    assert writer.lacks(bad)
    assert not writer.lacks(an_operation(2).id)
    assert writer.fault is not None, "it is told for as long as something is not written"
    journal.bad = set()
    await writer.keep(_moved(1, OperationState.DONE), _nothing)
    assert journal.operations[bad].state is OperationState.DONE
    assert [type(event) for event in journal.commits[-1]] == [StateMoved, StateMoved]
    assert not writer.lacks(bad)


async def test_an_unforeseen_error_of_the_journal_reaches_whoever_waits() -> None:
    class BrokenJournal(MemoryJournal):
        async def append(self, events: Sequence[Event], *, epoch: int = 0) -> Mapping[OperationId, JournalError]:
            raise ZeroDivisionError

    writer = JournalWriter(BrokenJournal())
    with pytest.raises(JournalError, match="ZeroDivisionError"):
        await writer.require(_accepted(1), _nothing)


def _ledger(journal: MemoryJournal, keep: int = 3) -> Ledger:
    lease = LeaseKeeper(journal, FakeClock(), EngineSettings(), "here")
    return Ledger(journal, lease, lambda _: None, keep=keep)


async def _end(ledger: Ledger, operation: Operation, state: OperationState = OperationState.DONE) -> None:
    await ledger.move(operation.id, OperationState.RUNNING)
    await ledger.move(operation.id, state)


def _new(number: int) -> Operation:
    return replace(an_operation(number, state=OperationState.ACCEPTED), sequence=0)


async def test_the_newest_that_have_ended_are_kept_and_all_others_that_matter() -> None:
    ledger = _ledger(MemoryJournal())
    await ledger.open()
    made = [await ledger.accept(_new(number)) for number in range(1, 10)]
    await _end(ledger, made[1], OperationState.NEEDS_ATTENTION)
    for operation in reversed(made[2:]):
        await _end(ledger, operation)
    await ledger.accept(_new(10))
    assert [one.sequence for one in ledger.operations] == [10, 9, 8, 7, 2, 1]
    assert await ledger.by_key("key-3", "root") is not None, "the journal knows the keys of those that are forgotten"


async def test_an_end_that_is_not_written_is_not_forgotten() -> None:
    journal = MemoryJournal()
    ledger = _ledger(journal, keep=0)
    await ledger.open()
    operation = await ledger.accept(_new(1))
    await ledger.move(operation.id, OperationState.RUNNING)
    journal.fails = "its disk is full"
    await ledger.move(operation.id, OperationState.DONE)
    with pytest.raises(JournalError):
        await ledger.accept(_new(2))
    assert ledger.find(operation.id) is not None
    journal.fails = ""
    await ledger.accept(_new(3))
    assert ledger.find(operation.id) is None
    assert journal.operations[operation.id].state is OperationState.DONE


async def test_a_step_that_begins_and_a_cancel_that_comes_meanwhile_are_both_kept() -> None:
    journal = HeldJournal()
    ledger = _ledger(journal)
    await ledger.open()
    await journal.let(2)
    operation = await ledger.accept(_new(1))
    await ledger.move(operation.id, OperationState.RUNNING)
    step = replace(operation.steps[0], state=StepState.STARTED, detail="as it was")
    beginning = asyncio.create_task(ledger.begin_step(operation.id, step))
    await settle()
    cancelling = asyncio.create_task(ledger.move(operation.id, OperationState.CANCELLING))
    await journal.let(2)
    await asyncio.gather(beginning, cancelling)
    for known in (ledger.find(operation.id), journal.operations[operation.id]):
        assert known is not None
        assert known.state is OperationState.CANCELLING
        assert known.steps == (step,)


async def test_closing_does_not_wait_for_a_commit_that_never_ends() -> None:
    journal = HeldJournal()
    writer = JournalWriter(journal)
    waiting = _tasks(writer, _accepted(1))
    await settle()
    await writer.close()
    assert not waiting[0].done()
    waiting[0].cancel()


def test_a_step_record_is_found_by_its_id() -> None:
    first, second = StepRecord(id="a", args=a_step(), title="a"), StepRecord(id="b", args=a_step(), title="b")
    ended = replace(second, state=StepState.FINISHED)
    from novacron.model.work.event import apply

    operation = replace(an_operation(1), steps=(first, second))
    assert apply(operation, StepRecorded(operation=operation.id, step=ended)).steps == (first, ended)
    with pytest.raises(ValueError, match="begins with"):
        apply(None, StepRecorded(operation=operation.id, step=ended))
