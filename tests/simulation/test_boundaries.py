"""Every operation is killed at every boundary of the journal it passes; the next backend brings it to one true end.

Which operations, with which steps, comes from the registry: a new kind is killed everywhere on the day it is added.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest

from novacron.engine.failpoints import Boundary
from novacron.engine.service import BackendService
from novacron.model.operation import Operation, OperationState
from novacron.model.operations.registry import TYPES
from novacron.model.plan.plan import Plan
from tests.callers import ALICE
from tests.simulation.process import BackendDied
from tests.simulation.scenario import Result, Simulation, on_a_loop
from tests.simulation.soak import report

_FIRST, _SEEDS = 2_000_000, 12
_TRIES = 30
_KEY = "the key"
_MOST_VARIANTS = 4
"""Sets of steps of one kind that are killed everywhere: live and cold, with storage and without."""


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One operation on an otherwise healthy fleet, killed or cancelled at a boundary."""

    kind: str
    seed: int
    kill_at: str = ""
    cancel_at: str = ""
    reached: list[str] = field(default_factory=list)
    """Every boundary it came by before it was killed."""
    operation: Operation | None = None
    """As it ended; None when nothing of the kind can be done in this fleet."""
    result: Result | None = None
    _is_killed: bool = False

    def run(self) -> "Attempt":
        """Run it on an event loop of its own."""
        on_a_loop(self._simulate)
        return self

    async def _simulate(self) -> None:
        simulation = Simulation(self.seed)
        simulation.settings = replace(
            simulation.settings, failpoint=lambda name: self._pass(simulation, name), operations_kept=1000
        )
        await simulation.clock.run(simulation.start())
        await simulation.clock.advance(1.0)
        with suppress(BackendDied):
            await self._submit(simulation)
        self.result = await simulation.finish()
        made = [one for one in simulation.disk.operations if one.idempotency_key == _KEY]
        self.operation = made[0] if made else None

    async def _submit(self, simulation: Simulation) -> None:
        process, service = await simulation.backend()
        for _ in range(_TRIES):
            intent = simulation.intents.draw(TYPES[self.kind].intent)
            plan = await simulation.clock.run(process.call(service.preview(ALICE, intent)))
            if not isinstance(plan, Plan):
                continue
            work = service.submit(ALICE, intent, plan_digest=plan.digest, idempotency_key=_KEY)
            answer = await simulation.clock.run(process.call(work))
            if isinstance(answer, Operation):
                simulation.promises.answered(answer, _KEY)
                return

    async def _pass(self, simulation: Simulation, name: str) -> None:
        if self._is_killed or not name.startswith(self.kind) or self.operation is not None:
            return
        self.reached.append(name)
        process, service = await simulation.backend()
        if name == self.cancel_at:
            await self._cancel(service)
        if name == self.kill_at:
            self._is_killed = True
            simulation.trace.note(f"killed at {name}")
            process.die()
            await asyncio.sleep(0)

    async def _cancel(self, service: BackendService) -> None:
        running = [one for one in await service.operations(ALICE) if not one.has_ended]
        await service.cancel(ALICE, running[0].id)


def _variants(kind: str) -> list[Attempt]:
    """Return an attempt that ended done for each set of steps that operations of this kind are seen to have."""
    found: dict[tuple[str, ...], Attempt] = {}
    for seed in range(_FIRST, _FIRST + _SEEDS):
        attempt = Attempt(kind=kind, seed=seed).run()
        if attempt.operation is not None and attempt.operation.state is OperationState.DONE:
            found.setdefault(tuple(step.id for step in attempt.operation.steps), attempt)
        if len(found) == _MOST_VARIANTS:
            break
    return list(found.values())


@pytest.mark.parametrize("kind", TYPES)
def test_it_comes_to_one_true_end_wherever_it_is_killed(kind: str) -> None:
    variants = _variants(kind)
    assert variants, f"no operation of this kind was ever done: teach tests/simulation/intents.py its fields: {kind}"
    for variant in variants:
        passed = {name.rpartition(":")[2] for name in variant.reached}
        assert passed >= set(Boundary) - {Boundary.BEFORE_UNDO}, variant.reached
        for name in dict.fromkeys(variant.reached):
            killed = Attempt(kind=kind, seed=variant.seed, kill_at=name).run()
            _require_one_end(killed)


@pytest.mark.parametrize("kind", TYPES)
def test_it_is_taken_back_once_wherever_it_is_killed_when_it_is_cancelled_between_two_steps(kind: str) -> None:
    for variant in _variants(kind):
        operation = variant.operation
        assert operation is not None
        for step in operation.steps[:-1]:
            cancel_at = f"{kind}/{step.id}:{Boundary.AFTER_FINISHED}"
            cancelled = Attempt(kind=kind, seed=variant.seed, cancel_at=cancel_at).run()
            _require_one_end(cancelled)
            for name in cancelled.reached[cancelled.reached.index(cancel_at) :]:
                killed = Attempt(kind=kind, seed=variant.seed, cancel_at=cancel_at, kill_at=name).run()
                _require_one_end(killed)


def test_something_is_taken_back_at_all() -> None:
    attempts = [
        Attempt(kind="create", seed=seed, cancel_at="create/create-disk:after-finished").run()
        for seed in range(_FIRST, _FIRST + _SEEDS)
    ]
    assert any(f"create:{Boundary.BEFORE_UNDO}" in attempt.reached for attempt in attempts)


def _require_one_end(attempt: Attempt) -> None:
    assert attempt.result is not None, (attempt.kind, attempt.seed, attempt.kill_at)
    where = f"{attempt.kind} killed at {attempt.kill_at or 'no place'}, seed {attempt.seed}"
    assert not attempt.result.violations, f"{report(attempt.result)}\n{where}"
    assert attempt.operation is not None, where
    assert attempt.operation.has_ended, where
    if attempt.kill_at:
        assert attempt.result.deaths == 1, where
