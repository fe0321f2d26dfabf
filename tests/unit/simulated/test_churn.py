"""What happens in a simulated fleet by itself, and what is told of it."""

from collections import Counter

import pytest

from novacron.adapters.simulated.churn import Churn
from novacron.adapters.simulated.gateway import SimulatedGateway
from novacron.adapters.simulated.machine import Job
from novacron.adapters.simulated.population import let_figures_rest, world_of_fleet
from novacron.adapters.simulated.world import World
from novacron.model.host import HostReading
from novacron.model.vm import VmReading, VmState
from tests.fake_clock import FakeClock


def _world(hosts: int = 16, vms: int = 320) -> tuple[World, FakeClock]:
    clock = FakeClock()
    return world_of_fleet(hosts=hosts, vms=vms, clock=clock), clock


def _told(world: World) -> dict[str, VmReading]:
    return {f"{host.name}/{vm.id}": vm for host in world.hosts.values() for vm in host.readings()}


async def test_in_a_still_fleet_nothing_changes() -> None:
    world, clock = _world()
    let_figures_rest(world, percent=0)
    Churn(world, percent=0).begin()
    before = _told(world)
    await clock.advance(100)
    after = _told(world)
    assert [vm for name, vm in after.items() if vm is not before[name]] == []


async def test_one_percent_a_second_is_one_percent_of_figures_a_second() -> None:
    world, clock = _world()
    let_figures_rest(world, percent=1)
    before, changed = _told(world), 0
    for _ in range(100):
        await clock.advance(1)
        after = _told(world)
        changed += sum(vm is not before[name] for name, vm in after.items())
        before = after
    active = sum(vm.is_active for vm in before.values())
    assert active * 0.95 <= changed <= active


async def test_guests_start_stop_move_and_fail_and_most_run_in_the_end() -> None:
    world, clock = _world()
    let_figures_rest(world, percent=10)
    Churn(world, percent=10).begin()
    homes, moved = {vm.id: name for name, vm in _told(world).items()}, 0
    states: Counter[VmState] = Counter()
    for _ in range(300):
        await clock.advance(1)
        told = _told(world)
        states.update(vm.state for vm in told.values())
        now = {vm.id: name for name, vm in told.items()}
        assert len(now) == len(told) == 320, "each is in one place, and none is lost"
        moved += sum(homes[vm] != name for vm, name in now.items())
        homes = now
    assert moved > 50
    assert 0.7 < states[VmState.RUNNING] / states.total() < 0.95
    assert states[VmState.SHUT_OFF] > 0
    assert states[VmState.PAUSED] > 0


async def test_what_an_operation_has_under_way_is_left_alone() -> None:
    world, _ = _world(hosts=2, vms=4)
    for host in world.hosts.values():
        for machine in tuple(host.machines.values()):
            host.machines[machine.id] = type(machine)(id=machine.id, name=machine.name, job=Job.MIGRATING_OUT)
    before = _told(world)
    churn = Churn(world, percent=100)
    for _ in range(100):
        churn.happen()
    assert _told(world) == before


async def test_things_happen_once_somebody_connects_and_at_the_rate_that_was_told() -> None:
    world, clock = _world()
    gateway = SimulatedGateway(world, Churn(world, percent=10))
    happened: list[object] = []
    for spec in world.specs:
        hypervisor = await gateway.connect(spec, deadline_s=5)
        hypervisor.reader.watch(happened.append)
    await clock.advance(100)
    # 320 VMs, 10 % a second, of which one in ten happens to the VM itself: some are told twice, some cannot be.
    assert 200 < len(happened) < 600


@pytest.mark.parametrize("period_s", [None, 100.0])
async def test_a_vm_of_which_nothing_changed_is_told_by_the_same_object_and_one_that_did_is_not(
    period_s: float | None,
) -> None:
    world, clock = _world(hosts=1, vms=20)
    (host,) = world.hosts.values()
    host.figures_period_s = period_s

    async def read() -> HostReading:
        hypervisor = await SimulatedGateway(world).connect(host.spec, deadline_s=5)
        return await hypervisor.reader.read(inventory=False, deadline_s=5)

    first, second = await read(), await read()
    assert all(one is other for one, other in zip(first.vms, second.vms, strict=True))
    off = next(vm for vm in first.vms if vm.state is VmState.SHUT_OFF)
    await clock.advance(0.001)
    world.start(host, off.id)
    assert (await read()).by_id[off.id].state is VmState.RUNNING
    disk = first.vms[0].disks[0]
    assert disk.pool_id is not None
    store = host.store_of(disk.source)
    assert store is not None
    del store.volumes[disk.source]
    assert (await read()).vms[0].disks[0].pool_id is None
