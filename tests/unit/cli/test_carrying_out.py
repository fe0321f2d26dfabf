"""What comes of a command's intents when answers get lost, one is refused, or the outcomes differ."""

import asyncio
import json

import pytest

from novacron.cli.carrying_out import Manner, carry_out
from novacron.cli.reporting import Tally
from novacron.model.errors import BackendError, ExitCode
from novacron.model.ids import HostId
from novacron.model.operation import OperationState
from novacron.model.operations.power import StartVm
from novacron.model.refusal import Refusal, RefusalCode
from novacron.ports.backend import BackendFound
from tests.builders import an_id
from tests.operation_builders import an_operation
from tests.unit.cli.scripted_backend import ScriptedBackend

_FOUND = BackendFound(version="1", consoles=1)
_LOST = BackendError("backend", "cannot be reached")


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch):
    monkeypatch.setattr("novacron.cli.following._PATIENCE_S", 0.05)
    monkeypatch.setattr("novacron.cli.following._PAUSE_S", 0)


def _intents(*names):
    return [StartVm(vm=an_id(name), host=HostId("kvm-1")) for name in names]


def _done(number):
    return an_operation(number, state=OperationState.DONE)


def _refusal(code=RefusalCode.WRONG_STATE):
    return Refusal(code=code, subject="web-1", reason="it runs", remedy="")


async def _carried_out(backend, *names):
    tally = Tally()
    await carry_out(backend, _intents(*names), Manner(yes=True), tally)
    return tally


async def test_a_submission_whose_answer_was_lost_is_repeated_with_the_same_key():
    backend = ScriptedBackend([_FOUND])
    answers = iter([_LOST, _done(1)])
    backend.answers = lambda _: next(answers)
    tally = await _carried_out(backend, "a")
    assert tally.exit_code is ExitCode.OK
    assert len(tally.operations) == 1
    (first, key), (again, same_key) = backend.submitted
    assert (first, key) == (again, same_key)


async def test_several_are_one_batch_which_is_repeated_with_the_same_key_and_followed_to_each_outcome(capsys):
    failed = an_operation(2, state=OperationState.FAILED)
    backend = ScriptedBackend([_FOUND])
    answers = iter([_LOST, _done(1), failed])
    backend.answers = lambda _: next(answers)
    tally = await _carried_out(backend, "a", "b")
    assert tally.exit_code is ExitCode.FAILED
    assert list(tally.operations.values()) == [_done(1), failed]
    (first, key), (again, same_key) = backend.batches
    assert (first, key) == (again, same_key)
    assert [intent.vm for intent in first] == [an_id("a"), an_id("b")]
    assert backend.submitted == []
    tally.report(as_json=True)
    assert [one["state"] for one in json.loads(capsys.readouterr().out)] == ["done", "failed"]


async def test_what_a_batch_refuses_when_it_is_submitted_is_told_and_the_others_are_done(capsys):
    backend = ScriptedBackend()
    backend.answers = lambda intent: _refusal() if intent.vm == an_id("b") else _done(1)
    tally = await _carried_out(backend, "a", "b", "c")
    assert tally.exit_code is ExitCode.REFUSED
    assert tally.refusals == [_refusal()]
    assert "it runs" in capsys.readouterr().err


async def test_a_lost_batch_is_unknown_and_each_of_its_plans_is_named(capsys):
    backend = ScriptedBackend()
    backend.answers = lambda _: _LOST
    tally = await _carried_out(backend, "a", "b", "c")
    assert tally.exit_code is ExitCode.OUTCOME_UNKNOWN
    key = backend.batches[-1][1]
    assert {key} == {each for _, each in backend.batches}
    assert key in capsys.readouterr().err
    tally.report(as_json=True)
    lost = json.loads(capsys.readouterr().out)
    assert [one["unknown"]["idempotency_key"] for one in lost] == [key] * 3


async def test_an_interrupt_of_a_submission_leaves_each_intent_accounted_for(capsys):
    backend = ScriptedBackend()

    def answer(intent):
        raise asyncio.CancelledError

    backend.answers = answer
    tally = Tally()
    with pytest.raises(asyncio.CancelledError):
        await carry_out(backend, _intents("a", "b", "c"), Manner(yes=True), tally)
    capsys.readouterr()
    tally.report(as_json=True)
    lost = json.loads(capsys.readouterr().out)
    assert [one["unknown"]["idempotency_key"] for one in lost] == [backend.batches[-1][1]] * 3


async def test_json_has_every_refusal_beside_the_operations(capsys):
    backend = ScriptedBackend()
    backend.plans = lambda intent: _refusal() if intent.vm == an_id("a") else ScriptedBackend().plans(intent)
    backend.answers = lambda _: _done(1)
    tally = await _carried_out(backend, "a", "b")
    capsys.readouterr()
    tally.report(as_json=True)
    operation, refused = json.loads(capsys.readouterr().out)
    assert operation["state"] == "done"
    assert refused["refusal"]["code"] == "wrong state"
    assert refused["refusal"]["subject"] == "web-1"


def test_of_mixed_outcomes_the_worst_one_counts_not_the_highest_number(capsys):
    failed = an_operation(1, state=OperationState.FAILED)
    unclear = an_operation(2, state=OperationState.NEEDS_ATTENTION)
    tally = Tally()
    for change, code in (
        (lambda: tally.refuse(_refusal(RefusalCode.NOT_FOUND)), ExitCode.NOT_FOUND),
        (lambda: tally.refuse(_refusal()), ExitCode.REFUSED),
        (lambda: tally.operations.update({failed.id: failed}), ExitCode.FAILED),
        (lambda: tally.refuse(_refusal(RefusalCode.JOURNAL)), ExitCode.JOURNAL),
        (lambda: tally.operations.update({unclear.id: unclear}), ExitCode.OUTCOME_UNKNOWN),
    ):
        change()
        assert tally.exit_code is code
