"""Makes plans from what the hypervisors say: one plan, or those of many, for which each host is asked once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from novacron.engine.host_pollers import HostPollers
from novacron.engine.looking_again import look_again, look_at_all
from novacron.engine.operations.migration_preflight import gather_facts, has_preflight
from novacron.engine.settings import EngineSettings
from novacron.engine.store import FleetStore
from novacron.model.fleet import Fleet
from novacron.model.operations.intent import Intent
from novacron.model.operations.registry import needs_inventory, plan
from novacron.model.plan.compatibility import MigrationFacts
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal
from novacron.ports.clock import Clock

AT_A_TIME: Final = 5
"""How much of many is done before the event loop has a turn: some milliseconds' worth."""
_PREFLIGHTS_AT_ONCE: Final = 16
"""Migrations of which both ends are asked at the same time."""
_Facts = MigrationFacts | Refusal | None


class Planner:
    """Says what intents would do to the fleet as it is."""

    def __init__(self, store: FleetStore, pollers: HostPollers, clock: Clock, settings: EngineSettings) -> None:
        self._store = store
        self._pollers = pollers
        self._clock = clock
        self._settings = settings

    async def plan(self, intent: Intent, *, afresh: bool) -> Plan | Refusal:
        """Plan one; `afresh`: from a fresh look at what it touches."""
        fleet = self._store.fleet
        if afresh:
            looked = await look_again(intent, self._store, self._pollers, self._clock, self._settings)
            if isinstance(looked, Refusal):
                return looked
            fleet = looked
        facts = await self._facts(intent, fleet)
        if isinstance(facts, Refusal):
            return facts
        # By the fleet as it is after asking, where nobody looked: the answers took their time.
        return plan(intent, fleet if afresh else self._store.fleet, facts)

    async def plan_all(self, intents: Sequence[Intent], *, afresh: bool) -> AsyncIterator[Plan | Refusal]:
        """Yield the plan of each, in their order; `afresh`: from a fresh look at what they touch.

        Nothing is awaited between making a plan and yielding it. The event loop has a turn after every few plans.
        """
        looked_at = intents if afresh else [intent for intent in intents if needs_inventory(intent)]
        looked, unseen = await look_at_all(looked_at, self._store, self._pollers, self._clock, self._settings)
        facts = await self._all_facts(intents, looked)
        for number, intent in enumerate(intents):
            refused = unseen.get(intent) or facts.get(number)
            if isinstance(refused, Refusal):
                yield refused
            else:
                fleet = looked if afresh or needs_inventory(intent) else self._store.fleet
                yield plan(intent, fleet, refused)
            if number % AT_A_TIME == 0:
                await asyncio.sleep(0)

    async def _facts(self, intent: Intent, fleet: Fleet) -> _Facts:
        return await gather_facts(intent, fleet, self._pollers, self._clock, self._settings)

    async def _all_facts(self, intents: Sequence[Intent], fleet: Fleet) -> dict[int, _Facts]:
        """Return what preflights were told, by the intent's place; nothing of those that need none."""
        limit = asyncio.Semaphore(_PREFLIGHTS_AT_ONCE)

        async def ask(number: int, intent: Intent) -> tuple[int, _Facts]:
            async with limit:
                return number, await self._facts(intent, fleet)

        asked = [(number, intent) for number, intent in enumerate(intents) if has_preflight(intent)]
        return dict(await asyncio.gather(*(ask(number, intent) for number, intent in asked)))
