"""Sixty hosts of which fifteen are sick: nobody else notices, all fifteen are marked, and all come back.

In virtual time, with the simulated world. What a sick host costs is its own row: the other forty-five are read
on time, questions are answered at once, and stopping waits for nobody.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from novacron.adapters.simulated.gateway import SimulatedGateway
from novacron.adapters.simulated.population import world_of_fleet
from novacron.adapters.simulated.world import World
from novacron.engine.service import BackendService
from novacron.engine.settings import EngineSettings
from novacron.model.fleet import Fleet, Host
from novacron.model.ids import HostId
from novacron.model.link import LinkStatus
from novacron.model.operations.power import PauseVm
from novacron.model.plan.plan import Plan
from novacron.model.vm import VmState
from tests.callers import ALICE
from tests.fake_clock import FakeClock
from tests.memory_journal import MemoryJournal

_SETTINGS = EngineSettings()
_MARKED_WITHIN_S = 10.0
_ON_TIME_S = _SETTINGS.poll_interval_s + 0.5
_BACK_WITHIN_S = _SETTINGS.backoff_most_s + _SETTINGS.connect_deadline_s + _SETTINGS.read_deadline_s


@dataclass(slots=True, kw_only=True)
class _Ward:
    clock: FakeClock
    world: World
    service: BackendService
    sick: frozenset[HostId] = frozenset()

    def fall_ill(self) -> None:
        """Let five hosts hang, five vanish, and five answer after 30 s; every fourth host of the fleet."""
        names = [spec.id for spec in self.world.specs][::4]
        assert len(names) == 15
        for name in names[0:5]:
            self.world.hang(name)
        for name in names[5:10]:
            self.world.black_hole(name)
        for name in names[10:15]:
            self.world.slow(name, 30.0)
        self.sick = frozenset(names)

    def recover(self) -> None:
        """Heal them all."""
        for name in self.sick:
            self.world.heal(name)

    async def fleet(self) -> Fleet:
        """Ask for the fleet, for which no time may pass."""
        asked_at = self.clock.monotonic()
        fleet = await self.service.fleet(ALICE)
        assert self.clock.monotonic() == asked_at
        return fleet

    def age_s(self, host: Host) -> float:
        """How old the host's reading is."""
        assert host.reading is not None, host.id
        return (self.clock.now() - host.reading.observed_at).total_seconds()

    async def require_others_on_time(self) -> None:
        """Check that every healthy host is up and was read lately."""
        for host in (await self.fleet()).hosts.values():
            if host.id not in self.sick:
                assert host.link.status is LinkStatus.UP, (host.id, host.link)
                assert self.age_s(host) <= _ON_TIME_S, host.id

    async def marked(self) -> frozenset[HostId]:
        """Return the hosts whose row says that they are not to be trusted."""
        hosts = (await self.fleet()).hosts.values()
        return frozenset(host.id for host in hosts if host.link.status not in {LinkStatus.UP, LinkStatus.CONNECTING})


@pytest.fixture
async def ward() -> AsyncIterator[_Ward]:
    """A service that watches sixty hosts; it is not started yet."""
    clock = FakeClock()
    world = world_of_fleet(hosts=60, vms=600, clock=clock)
    service = BackendService(
        world.specs,
        SimulatedGateway(world),
        MemoryJournal(),
        clock,
        fleet_source="60 simulated hosts",
        settings=_SETTINGS,
    )
    yield _Ward(clock=clock, world=world, service=service)
    await clock.run(service.stop())


async def test_hosts_that_fall_ill_are_marked_and_nobody_else_notices(ward: _Ward) -> None:
    await ward.clock.run(ward.service.start())
    await ward.clock.advance(5)
    await ward.require_others_on_time()
    ward.fall_ill()
    for _ in range(int(_MARKED_WITHIN_S * 4)):
        await ward.clock.advance(0.25)
        await ward.require_others_on_time()
    assert await ward.marked() == ward.sick
    for _ in range(120):
        await ward.clock.advance(1)
        await ward.require_others_on_time()
        assert await ward.marked() == ward.sick


async def test_hosts_that_were_ill_from_the_start_hold_nobody_up(ward: _Ward) -> None:
    ward.fall_ill()
    await ward.clock.run(ward.service.start())
    await ward.clock.advance(0.5)
    await ward.require_others_on_time()
    await ward.clock.advance(_MARKED_WITHIN_S - 0.5)
    assert await ward.marked() == ward.sick
    await ward.require_others_on_time()


async def test_what_a_sick_host_said_last_stays_and_ages(ward: _Ward) -> None:
    await ward.clock.run(ward.service.start())
    await ward.clock.advance(5)
    before = await ward.fleet()
    ward.fall_ill()
    await ward.clock.advance(300)
    after = await ward.fleet()
    for name in ward.sick:
        host = after.hosts[name]
        assert not host.is_current
        assert ward.age_s(host) > 290
        assert [(vm.id, vm.state) for vm in host.reading.vms] == [
            (vm.id, vm.state) for vm in before.hosts[name].reading.vms
        ]
        assert host.link.cause
        assert host.link.remedy


async def test_all_come_back_by_themselves_when_they_are_healed(ward: _Ward) -> None:
    await ward.clock.run(ward.service.start())
    ward.fall_ill()
    await ward.clock.advance(600)
    ward.recover()
    await ward.clock.advance(_BACK_WITHIN_S)
    assert await ward.marked() == frozenset()
    ward.sick = frozenset()
    await ward.require_others_on_time()


async def test_a_person_who_asks_has_one_back_at_once(ward: _Ward) -> None:
    await ward.clock.run(ward.service.start())
    ward.fall_ill()
    await ward.clock.advance(600)
    ward.recover()
    name = sorted(ward.sick)[0]
    await ward.clock.run(ward.service.reconnect(ALICE, name))
    await ward.clock.advance(1)
    assert (await ward.fleet()).hosts[name].link.is_up


async def test_a_plan_for_a_healthy_host_does_not_wait_for_the_sick_ones(ward: _Ward) -> None:
    await ward.clock.run(ward.service.start())
    await ward.clock.advance(5)
    ward.fall_ill()
    await ward.clock.advance(30)
    fleet = await ward.fleet()
    host = next(host for host in fleet.hosts.values() if host.id not in ward.sick)
    vm = next(vm for vm in host.reading.vms if vm.state is VmState.RUNNING)
    asked_at = ward.clock.monotonic()
    answer = await ward.clock.run(ward.service.preview(ALICE, PauseVm(vm=vm.id, host=host.id)))
    assert isinstance(answer, Plan)
    assert ward.clock.monotonic() - asked_at < 0.5


async def test_stopping_waits_for_no_sick_host(ward: _Ward) -> None:
    await ward.clock.run(ward.service.start())
    await ward.clock.advance(5)
    ward.fall_ill()
    await ward.clock.advance(2.5)
    asked_at = ward.clock.monotonic()
    await ward.clock.run(ward.service.stop())
    assert ward.clock.monotonic() - asked_at < 0.5
