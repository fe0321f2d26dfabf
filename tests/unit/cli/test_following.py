"""Following operations to their end when the backend forgets, dies or is ended."""

import pytest

from novacron.cli.following import follow, insisting
from novacron.model.errors import BackendError
from novacron.model.operation import OperationState
from novacron.ports.backend import BackendFound, BackendLost, OperationsChanged
from tests.builders import NOW
from tests.operation_builders import an_operation
from tests.unit.cli.scripted_backend import ScriptedBackend

_FOUND = BackendFound(version="1", consoles=1)
_ENDED = BackendLost(since=NOW, cause="it was asked to end")


@pytest.fixture
def little_patience(monkeypatch):
    """Let commands give a backend up after a blink."""
    monkeypatch.setattr("novacron.cli.following._PATIENCE_S", 0.05)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr("novacron.cli.following._PAUSE_S", 0)


def _list(*operations):
    return OperationsChanged(operations=operations)


async def test_operations_that_the_backend_has_forgotten_are_asked_for_by_id():
    running, listed, done = an_operation(1), an_operation(2), an_operation(1, state=OperationState.DONE)
    backend = ScriptedBackend([_FOUND, _list(listed), _list(an_operation(2, state=OperationState.FAILED))])
    backend.journal[done.id] = done
    latest = {running.id: running, listed.id: listed}
    await follow(backend, latest)
    assert [one.state for one in latest.values()] == [OperationState.DONE, OperationState.FAILED]


async def test_an_operation_that_nobody_has_a_record_of_is_not_waited_for(capsys):
    operation = an_operation(1)
    latest = {operation.id: operation}
    await follow(ScriptedBackend([_FOUND, _list()]), latest)
    assert not latest[operation.id].has_ended
    assert operation.id in capsys.readouterr().err


async def test_a_backend_that_comes_back_is_followed_on(capsys):
    operation, done = an_operation(1), an_operation(1, state=OperationState.DONE)
    latest = {operation.id: operation}
    await follow(ScriptedBackend([_FOUND, _list(operation), _ENDED, _FOUND, _list(operation), _list(done)]), latest)
    assert latest == {done.id: done}
    assert "it was asked to end" in capsys.readouterr().err


async def test_a_backend_that_stays_away_is_given_up_and_the_operations_are_named(little_patience, capsys):
    operation = an_operation(1)
    latest = {operation.id: operation}
    await follow(ScriptedBackend([_FOUND, _list(operation), _ENDED]), latest)
    assert latest == {operation.id: operation}
    told = capsys.readouterr().err
    assert "did not come back" in told
    assert operation.id in told


async def test_a_backend_of_another_version_leaves_the_operations_as_they_were_seen(capsys):
    operation = an_operation(1)
    latest = {operation.id: operation}
    await follow(ScriptedBackend([_FOUND, _list(operation), BackendError("backend", "it speaks protocol 2")]), latest)
    assert latest == {operation.id: operation}
    assert "protocol 2" in capsys.readouterr().err


async def test_a_call_is_repeated_when_the_backend_is_back_and_not_when_it_stays_away(little_patience):
    answers = [BackendError("backend", "gone"), BackendError("backend", "gone"), 7]

    async def call():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(BackendError, match="gone"):
        await insisting(ScriptedBackend(), call)
    assert len(answers) == 2
    assert await insisting(ScriptedBackend([_FOUND]), call) == 7
