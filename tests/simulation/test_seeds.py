"""300 random fleets with everything that goes wrong in them; `make soak` runs 10,000, `scripts/soak --seed N` one."""

import os
import subprocess
import sys
from collections import Counter

import pytest

from novacron.engine.ledger import Ledger
from novacron.engine.operations.power import PressPowerButton
from novacron.model.ids import OperationId
from novacron.model.operation import StepRecord
from novacron.model.operations.registry import TYPES
from tests.simulation import postconditions
from tests.simulation.scenario import Result, run
from tests.simulation.soak import report

_AT_ONCE = 10
_OTHERS_FROM = 1_000_000
"""Seeds that the tests of the simulation itself use."""


@pytest.mark.parametrize("first", range(0, 300, _AT_ONCE))
def test_every_promise_is_kept_whatever_goes_wrong(first: int) -> None:
    for seed in range(first, first + _AT_ONCE):
        result = run(seed)
        assert not result.violations, report(result)


def test_a_seed_always_gives_the_same_trace() -> None:
    for seed in range(3):
        assert run(seed).trace == run(seed).trace


def test_a_seed_gives_the_same_trace_in_every_process() -> None:
    """Hashes of texts differ from process to process, and with them the order in which sets are walked through."""
    program = (
        f"from tests.simulation.scenario import run; print([line for s in range({_OTHERS_FROM}, {_OTHERS_FROM + 8}) "
        "for line in run(s).trace])"
    )
    traces = {
        subprocess.check_output(
            [sys.executable, "-c", program], env=os.environ | {"PYTHONHASHSEED": hashes}, timeout=300
        )
        for hashes in ("1", "2")
    }
    assert len(traces) == 1


def test_every_kind_of_operation_is_simulated() -> None:
    kinds: Counter[str] = Counter()
    results = [run(seed) for seed in range(_OTHERS_FROM, _OTHERS_FROM + 40)]
    for result in results:
        kinds.update(result.kinds)
    never = {*TYPES, "batch"} - set(kinds)
    assert not never, f"never accepted: teach tests/simulation/intents.py what its fields may hold: {never}"
    assert sum(result.deaths for result in results) > 10
    assert sum(result.attributed for result in results) > 100


def test_every_kind_of_operation_has_a_condition_that_shows_it_done() -> None:
    assert set(postconditions.CONDITIONS) == set(TYPES)


async def _begin_unwritten(_ledger: Ledger, _operation: OperationId, _step: StepRecord) -> None:
    """Let a step begin without writing that it does."""


def test_an_engine_that_acts_before_it_writes_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ledger, "begin_step", _begin_unwritten)
    assert "before its step was in the journal" in _first_violation()


def test_an_engine_that_presses_the_button_again_after_a_restart_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PressPowerButton, "settle", PressPowerButton.act)
    assert "shutdown 2 times" in _first_violation()


def _first_violation() -> str:
    for seed in range(_OTHERS_FROM, _OTHERS_FROM + 1000):
        result: Result = run(seed)
        if result.violations:
            return "; ".join(result.violations)
    return "none"
