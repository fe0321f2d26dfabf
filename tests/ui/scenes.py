"""A night on call, simulated: the real engine over a fleet in trouble, and the console open on it.

What the pictures show. Everything is virtual (hosts, guests, time), and so the same at every run.
"""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from novacron.adapters.simulated.gateway import SimulatedGateway
from novacron.adapters.simulated.migration_outcome import MigrationOutcome
from novacron.adapters.simulated.population import world_of_fleet
from novacron.engine.service import BackendService
from novacron.engine.settings import EngineSettings
from novacron.model.ids import HostId
from novacron.model.link import LinkStatus
from novacron.model.operation import Operation
from novacron.model.operations.intent import VmIntent
from novacron.model.operations.migration import MigrateVm
from novacron.model.operations.power import StartVm
from novacron.model.plan.plan import Plan
from novacron_tui.app import NovaCronApp
from novacron_tui.present.glyphs import UNICODE
from tests.callers import ALICE
from tests.fake_clock import FakeClock
from tests.memory_journal import MemoryJournal
from tests.ui.operator import Operator

_QUIET_S = 300
"""How long nothing happened: the plots have something to show."""
_FRA3, _AMS1, _AMS3 = HostId("kvm-fra-03"), HostId("kvm-ams-01"), HostId("kvm-ams-03")


class Night:
    """The fleet, its backend, and virtual time."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.world = world_of_fleet(hosts=6, vms=30, clock=self.clock)
        self.service = BackendService(
            self.world.specs,
            SimulatedGateway(self.world),
            MemoryJournal(),
            self.clock,
            fleet_source="simulated",
            settings=EngineSettings(),
            rng=random.Random(1),  # noqa: S311 - the same identifiers at every run
        )

    def at(self, name: str) -> dict[str, Any]:
        """Return what every intent says of its VM."""
        hosts = self.world.hosts.values()
        vm, host = next((vm.id, host.spec.id) for host in hosts for vm in host.machines.values() if vm.name == name)
        return {"vm": vm, "host": host}

    async def submit(self, intent: VmIntent) -> None:
        """Ask for an operation, and insist that it is accepted."""
        plan = await self.clock.run(self.service.preview(ALICE, intent))
        assert isinstance(plan, Plan), plan
        key = f"{intent.kind} {intent.vm}"
        asked = self.service.submit(ALICE, intent, plan_digest=plan.digest, idempotency_key=key)
        answer = await self.clock.run(asked)
        assert isinstance(answer, Operation), answer

    async def fall(self) -> None:
        """Let five quiet minutes pass, and then everything happen at once."""
        await self.service.start()
        await self.clock.advance(_QUIET_S)
        self.world.fill_pool(_FRA3, "local")
        await self.submit(StartVm(**self.at("sys-ntp-01")))
        await self.clock.advance(20)
        docs = self.at("web-docs-01")
        self.world.end_next_migration(docs["vm"], MigrationOutcome.FALLS_BACK)
        await self.submit(MigrateVm(**docs, destination=_FRA3))
        await self.clock.advance(20)
        self.world.fail_disk(self.at("build-runner-01")["vm"])
        self.world.crash_vm(self.at("web-edge-02")["vm"])
        self.world.refuse(_AMS3, LinkStatus.HOST_KEY_CHANGED)
        self.world.cut(_AMS3)
        self.world.hang(_AMS1)
        billing = self.at("db-billing-01")
        self.world.set_dirty_rate(billing["vm"], 120)
        await self.submit(MigrateVm(**billing, destination=_FRA3, bandwidth_mib_s=1100))
        await self.clock.advance(14)


@asynccontextmanager
async def on_call(*, size: tuple[int, int], theme: str | None = None) -> AsyncIterator["OnCall"]:
    """Open the console in the middle of such a night."""
    night = Night()
    await night.fall()
    app = NovaCronApp(night.service, caller=ALICE, theme=theme, title="production", now=night.clock.now, glyphs=UNICODE)
    try:
        async with app.run_test(size=size) as pilot:
            operator = OnCall(app, pilot, night)
            await operator.settle()
            yield operator
    finally:
        await night.service.stop()


class OnCall(Operator):
    """An operator for whom virtual time passes between two keys, too little to change what there is to see."""

    def __init__(self, app: NovaCronApp, pilot: object, night: Night) -> None:
        super().__init__(app, pilot)  # type: ignore[arg-type]
        self.night = night

    async def settle(self) -> None:
        """Wait until the backend, the bridge, the screens and their workers have nothing left to do."""
        await self.night.clock.advance(0.05)
        await super().settle()
