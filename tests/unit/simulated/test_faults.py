"""What can be done to a simulated host, and what its callers then see."""

import asyncio

import pytest

from novacron.adapters.simulated.gateway import SimulatedGateway
from novacron.adapters.simulated.hypervisor import SimulatedHypervisor
from novacron.adapters.simulated.migration_outcome import MigrationOutcome
from novacron.adapters.simulated.population import world_of_fleet
from novacron.model.errors import (
    DeadlineExceeded,
    LinkError,
    LinkLost,
    NovaCronError,
    OperationError,
    OutcomeUnknown,
)
from novacron.model.ids import VmId
from novacron.model.link import LinkStatus
from novacron.model.migration import MigrationMode
from novacron.model.operations.creation import disk_of
from novacron.model.vm import StateReason, VmState
from novacron.ports.hypervisor import HostEvent, HostEventKind, MigrationRequest
from tests.fake_clock import FakeClock

_HOST = "kvm-fra-01"
_OTHER = "kvm-fra-02"


class _Stage:
    """A small world on a fake clock."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.world = world_of_fleet(hosts=2, vms=12, clock=self.clock)
        self.gateway = SimulatedGateway(self.world)

    async def connect(self, host: str = _HOST) -> SimulatedHypervisor:
        return await self.gateway.connect(self.world.host(host).spec, deadline_s=5)

    def a_vm(self, state: VmState = VmState.RUNNING) -> VmId:
        """Return a VM of the first host whose disk is shared."""
        return next(
            machine.id
            for machine in self.world.host(_HOST).machines.values()
            if machine.state is state and machine.disks[0].source.startswith("/srv/shared/")
        )


@pytest.fixture
def stage() -> _Stage:
    return _Stage()


async def _raises(stage: _Stage, error: type[NovaCronError], work: "asyncio.Future[object]") -> float:
    began = stage.clock.monotonic()
    with pytest.raises(error):
        await stage.clock.run(work)
    return stage.clock.monotonic() - began


async def test_a_hung_host_costs_exactly_the_deadline_and_its_link(stage: _Stage) -> None:
    hypervisor = await stage.connect()
    events: list[HostEvent] = []
    hypervisor.reader.watch(events.append)
    stage.world.hang(_HOST)
    reading = asyncio.ensure_future(hypervisor.reader.read(inventory=True, deadline_s=8))
    assert await _raises(stage, DeadlineExceeded, reading) == pytest.approx(8, abs=0.01)
    assert events[-1].kind is HostEventKind.LINK_CLOSED
    with pytest.raises(LinkLost):
        await hypervisor.reader.read(inventory=True, deadline_s=8)


async def test_a_hung_host_that_wakes_in_time_answers(stage: _Stage) -> None:
    hypervisor = await stage.connect()
    stage.world.hang(_HOST)
    pending = asyncio.create_task(hypervisor.reader.read(inventory=False, deadline_s=8))
    await stage.clock.advance(3)
    assert not pending.done()
    stage.world.heal(_HOST)
    assert (await stage.clock.run(pending)).vms


async def test_connecting_to_a_black_hole_is_unreachable_at_the_deadline(stage: _Stage) -> None:
    stage.world.black_hole(_HOST)
    began = stage.clock.monotonic()
    with pytest.raises(LinkError) as caught:
        await stage.clock.run(stage.connect())
    assert caught.value.status is LinkStatus.UNREACHABLE
    assert stage.clock.monotonic() - began == pytest.approx(5, abs=0.01)
    assert not stage.world.host(_HOST).links


async def test_connecting_to_a_hung_host_is_stale_at_the_deadline(stage: _Stage) -> None:
    stage.world.hang(_HOST)
    with pytest.raises(DeadlineExceeded) as caught:
        await stage.clock.run(stage.connect())
    assert caught.value.status is LinkStatus.STALE


async def test_a_slow_host_answers_when_it_is_given_the_time(stage: _Stage) -> None:
    hypervisor = await stage.connect()
    stage.world.slow(_HOST, 30)
    began = stage.clock.monotonic()
    await stage.clock.run(hypervisor.reader.read(inventory=False, deadline_s=60))
    assert stage.clock.monotonic() - began == pytest.approx(30, abs=0.01)
    work = asyncio.ensure_future(hypervisor.reader.read(inventory=False, deadline_s=8))
    assert await _raises(stage, DeadlineExceeded, work) == pytest.approx(8, abs=0.01)


@pytest.mark.parametrize("status", [s for s in LinkStatus if s not in {LinkStatus.CONNECTING, LinkStatus.UP}])
async def test_every_refusal_has_a_cause_and_a_remedy(stage: _Stage, status: LinkStatus) -> None:
    hypervisor = await stage.connect()
    stage.world.refuse(_HOST, status)
    with pytest.raises(LinkError) as caught:
        await stage.connect()
    assert caught.value.status is status
    assert caught.value.detail
    assert caught.value.remedy
    with pytest.raises(LinkLost):
        await hypervisor.reader.read(inventory=False, deadline_s=1)


async def test_closing_does_not_wait_for_a_hung_host_and_ends_its_calls(stage: _Stage) -> None:
    hypervisor = await stage.connect()
    stage.world.hang(_HOST)
    read = asyncio.create_task(hypervisor.reader.read(inventory=False, deadline_s=60))
    start = asyncio.create_task(hypervisor.power.start(stage.a_vm(), deadline_s=60))
    await stage.clock.advance(1)
    await hypervisor.close()
    with pytest.raises(LinkLost):
        await read
    with pytest.raises(OutcomeUnknown):
        await start


async def test_what_was_asked_of_a_frozen_daemon_may_happen_when_it_thaws(stage: _Stage) -> None:
    hypervisor, vm = await stage.connect(), stage.a_vm()
    stage.world.hang(_HOST, effects_come_late=True)
    work = asyncio.ensure_future(hypervisor.power.force_off(vm, deadline_s=5))
    await _raises(stage, DeadlineExceeded, work)
    assert stage.world.host(_HOST).machine(vm).state is VmState.RUNNING
    stage.world.heal(_HOST)
    assert stage.world.host(_HOST).machine(vm).state is VmState.SHUT_OFF


async def test_no_event_comes_from_a_silent_host_or_after_close(stage: _Stage) -> None:
    silent, closed = await stage.connect(), await stage.connect(_OTHER)
    events: list[HostEvent] = []
    silent.reader.watch(events.append)
    closed.reader.watch(events.append)
    stage.world.hang(_HOST)
    await closed.close()
    stage.world.crash_vm(stage.a_vm())
    await stage.clock.advance(1)
    assert events == []


async def test_a_crash_and_a_failed_write_have_their_reasons(stage: _Stage) -> None:
    hypervisor = await stage.connect()
    crashed = stage.a_vm()
    stage.world.crash_vm(crashed)
    stuck = stage.a_vm()
    stage.world.fail_disk(stuck)
    seen = {vm.id: vm for vm in (await hypervisor.reader.read(inventory=False, deadline_s=1)).vms}
    assert (seen[crashed].state, seen[crashed].reason) == (VmState.SHUT_OFF, StateReason.CRASHED)
    assert (seen[stuck].state, seen[stuck].reason) == (VmState.PAUSED, StateReason.IO_ERROR)


async def test_a_full_pool_shows_and_takes_nothing(stage: _Stage) -> None:
    from tests.operation_builders import a_create

    hypervisor = await stage.connect()
    stage.world.fill_pool(_HOST, "shared")
    pool = next(p for p in (await hypervisor.reader.read(inventory=True, deadline_s=1)).pools if p.name == "shared")
    assert pool.used_fraction == 1.0
    with pytest.raises(OperationError, match="No space left"):
        await hypervisor.storage.create_disk(disk_of(a_create(pool="shared")), deadline_s=1)


async def test_a_killed_libvirtd_comes_back_and_its_vms_never_stopped(stage: _Stage) -> None:
    before = await (await stage.connect()).reader.read(inventory=False, deadline_s=1)
    stage.world.kill_libvirtd(_HOST, restart_after_s=5)
    with pytest.raises(LinkError):
        await stage.connect()
    await stage.clock.advance(6)
    after = await (await stage.connect()).reader.read(inventory=False, deadline_s=1)
    assert [(vm.id, vm.state) for vm in after.vms] == [(vm.id, vm.state) for vm in before.vms]


async def test_hosts_that_cannot_reach_each_other_migrate_through_the_backend(stage: _Stage) -> None:
    a, b, vm = await stage.connect(), await stage.connect(_OTHER), stage.a_vm()
    stage.world.part(_HOST, _OTHER)
    for mode in (MigrationMode.PEER_TO_PEER, MigrationMode.DIRECT):
        with pytest.raises(OperationError, match="No route to host"):
            await a.migration.start(MigrationRequest(vm=vm, mode=mode, copy_storage=False), b, deadline_s=600)
    relayed = MigrationRequest(vm=vm, mode=MigrationMode.RELAYED, copy_storage=False)
    await stage.clock.run(a.migration.start(relayed, b, deadline_s=600))
    assert stage.world.host(_OTHER).machine(vm).state is VmState.RUNNING


async def test_one_that_dirties_too_fast_goes_on_until_it_is_cancelled(stage: _Stage) -> None:
    a, b, vm = await stage.connect(), await stage.connect(_OTHER), stage.a_vm()
    stage.world.set_dirty_rate(vm, 5000)
    request = MigrationRequest(vm=vm, mode=MigrationMode.PEER_TO_PEER, copy_storage=False)
    task = asyncio.create_task(a.migration.start(request, b, deadline_s=86_400))
    await stage.clock.advance(3600)
    job = await a.migration.job(vm, deadline_s=1)
    assert job is not None
    assert (job.dirty_rate_mib_s or 0) > (job.rate_mib_s or 0)
    await a.migration.abort(vm, deadline_s=1)
    await _raises(stage, OperationError, task)
    assert stage.world.host(_HOST).machine(vm).reason is StateReason.MIGRATION_CANCELED
    assert vm not in stage.world.host(_OTHER).machines


_OFF, _RUN, _PAUSED = VmState.SHUT_OFF, VmState.RUNNING, VmState.PAUSED
_LEAVES = {
    MigrationOutcome.COMPLETES: (None, _RUN),
    MigrationOutcome.REFUSED: (_RUN, None),
    MigrationOutcome.FALLS_BACK: (_RUN, None),
    MigrationOutcome.RUNS_NOWHERE: (_PAUSED, None),
    MigrationOutcome.BOTH_PAUSED: (_PAUSED, _PAUSED),
    MigrationOutcome.STALE_SOURCE: (_PAUSED, _RUN),
    MigrationOutcome.SOURCE_CRASHED: (_OFF, _RUN),
    MigrationOutcome.SOURCE_OFF_BY_DAEMON: (_OFF, _RUN),
    MigrationOutcome.RUNS_TWICE: (_RUN, _RUN),
    MigrationOutcome.LOST: (_OFF, None),
    MigrationOutcome.ENDS_UNSEEN: (None, _RUN),
}


@pytest.mark.parametrize("ending", list(MigrationOutcome))
async def test_every_ending_leaves_what_it_says(stage: _Stage, ending: MigrationOutcome) -> None:
    a, b, vm = await stage.connect(), await stage.connect(_OTHER), stage.a_vm()
    stage.world.set_locks(_HOST, "shared", held=ending is not MigrationOutcome.RUNS_TWICE)
    stage.world.end_next_migration(vm, ending)
    request = MigrationRequest(vm=vm, mode=MigrationMode.PEER_TO_PEER, copy_storage=False)
    task = asyncio.ensure_future(a.migration.start(request, b, deadline_s=3600))
    if ending is MigrationOutcome.COMPLETES:
        await stage.clock.run(task)
    else:
        await _raises(stage, NovaCronError, task)
    left = [stage.world.host(host).machines.get(vm) for host in (_HOST, _OTHER)]
    assert tuple(machine and machine.state for machine in left) == _LEAVES[ending]


async def test_no_ending_runs_twice_where_locks_are_seen(stage: _Stage) -> None:
    a, b, vm = await stage.connect(), await stage.connect(_OTHER), stage.a_vm()
    stage.world.end_next_migration(vm, MigrationOutcome.RUNS_TWICE)
    request = MigrationRequest(vm=vm, mode=MigrationMode.PEER_TO_PEER, copy_storage=False)
    await _raises(stage, NovaCronError, asyncio.ensure_future(a.migration.start(request, b, deadline_s=3600)))
    assert stage.world.host(_HOST).machine(vm).state is VmState.PAUSED
    with pytest.raises(OperationError, match="lock"):
        await a.power.resume(vm, deadline_s=5)
