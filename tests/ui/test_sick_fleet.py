"""Sixty hosts of which fifteen are sick, seen from the console: the other rows and every key press go on.

Over the real engine in virtual time: a key that waited for a host would find no time passing, and never answer.
"""

import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from novacron.adapters.simulated.gateway import SimulatedGateway
from novacron.adapters.simulated.population import world_of_fleet
from novacron.adapters.simulated.world import World
from novacron.engine.service import BackendService
from novacron.engine.settings import EngineSettings
from novacron.model.ids import HostId
from novacron_tui.app import NovaCronApp
from novacron_tui.present.glyphs import UNICODE
from tests.callers import ALICE
from tests.fake_clock import FakeClock
from tests.memory_journal import MemoryJournal
from tests.ui.operator import Operator

_TALL = (120, 72)
"""All sixty hosts are on screen at once."""
_MARKED_WITHIN_S = 10
_BACK_WITHIN_S = 60
_KEY_S = 60.0
"""Real time that a key may take on a busy machine; a key that waits for a host takes for ever."""


@dataclass(slots=True, kw_only=True)
class _Ward:
    operator: Operator
    clock: FakeClock
    world: World
    sick: frozenset[HostId] = frozenset()

    def fall_ill(self) -> None:
        """Let every fourth host hang, vanish, or answer after 30 s: five of each."""
        names = [spec.id for spec in self.world.specs][::4]
        for name in names[0:5]:
            self.world.hang(name)
        for name in names[5:10]:
            self.world.black_hole(name)
        for name in names[10:15]:
            self.world.slow(name, 30.0)
        self.sick = frozenset(names)

    async def second(self) -> None:
        """Let a second pass, and the screen take notice."""
        await self.clock.advance(1.0)
        self.operator.app.tick()
        await self.operator.settle()

    def rows(self) -> dict[str, str]:
        """Return the Hosts pane as it is on the screen."""
        lines = [line for line in self.operator.lines if line.startswith(" kvm-")]
        return {line.split()[0]: line for line in lines[:60]}

    def marked(self) -> frozenset[str]:
        """Return the hosts whose row says that they are not well."""
        return frozenset(name for name, line in self.rows().items() if "● up" not in line)

    def read_ages(self) -> list[float]:
        """Return how old the readings of the healthy hosts on screen are."""
        now, hosts = self.clock.now(), self.operator.app.state.fleet.hosts.values()
        return [(now - host.reading.observed_at).total_seconds() for host in hosts if host.id not in self.sick]


@asynccontextmanager
async def _ward() -> AsyncIterator[_Ward]:
    clock = FakeClock()
    world = world_of_fleet(hosts=60, vms=600, clock=clock)
    service = BackendService(
        world.specs,
        SimulatedGateway(world),
        MemoryJournal(),
        clock,
        fleet_source="60 simulated hosts",
        settings=EngineSettings(),
        rng=random.Random(1),  # noqa: S311 - the same jitter at every run
    )
    await service.start()
    app = NovaCronApp(service, caller=ALICE, title="ward", now=clock.now, glyphs=UNICODE, guard_s=0)
    try:
        async with app.run_test(size=_TALL) as pilot:
            ward = _Ward(operator=Operator(app, pilot), clock=clock, world=world)
            for _ in range(5):
                await ward.second()
            yield ward
    finally:
        await clock.run(service.stop())


async def test_fifteen_sick_hosts_are_marked_on_screen_within_ten_seconds_and_come_back() -> None:
    async with _ward() as ward:
        await ward.operator.press("2")
        assert len(ward.rows()) == 60
        assert ward.marked() == frozenset()
        ward.fall_ill()
        assert len(ward.sick) == 15
        for _ in range(_MARKED_WITHIN_S):
            await ward.second()
            assert ward.marked() <= ward.sick
            assert max(ward.read_ages()) < 4, "a healthy host was read late"
        assert ward.marked() == ward.sick
        ward.operator.sees("hosts 45/60", "15 down")
        for name in ward.sick:
            ward.world.heal(name)
        for _ in range(_BACK_WITHIN_S):
            await ward.second()
            if not ward.marked():
                break
        assert ward.marked() == frozenset()
        ward.operator.sees("hosts 60/60")


async def test_no_key_waits_for_a_sick_host() -> None:
    async with _ward() as ward:
        operator = ward.operator
        ward.fall_ill()
        for _ in range(3):
            await ward.second()
        # Hung hosts are being read this moment; virtual time stands still while these are pressed.
        for key, seen in (
            ("2", "HOST▲"),
            ("G", "kvm-"),
            ("enter", "Facts"),
            ("escape", "HOST▲"),
            ("4", "POOL▲"),
            ("5", "SEVERITY"),
            ("1", "NAME▲"),
            ("greater_than_sign", "STATE▲"),
            ("question_mark", "Help"),
            ("escape", "STATE▲"),
            ("colon", "Shut down"),
            ("escape", "STATE▲"),
            ("n", "New VM"),
            ("escape", "STATE▲"),
        ):
            began = time.monotonic()
            await operator.press(key)
            operator.sees(seen)
            assert time.monotonic() - began < _KEY_S, key


async def test_a_command_on_a_healthy_host_is_carried_out_while_fifteen_are_sick() -> None:
    async with _ward() as ward:
        operator = ward.operator
        ward.fall_ill()
        for _ in range(_MARKED_WITHIN_S):
            await ward.second()
        await operator.press("slash")
        await operator.type("state:running")
        await operator.press("enter")
        vm = operator.app.screen.table.view.cursor_row
        assert vm.home.host.id not in ward.sick
        await operator.press("p")
        await ward.second()
        operator.sees(f"pause {vm.home.vm.name}")
        await operator.press("y")
        for _ in range(4):
            await ward.second()
        operator.sees(f"✔ pause {vm.home.vm.name}")
