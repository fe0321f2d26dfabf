"""A simulated fleet looks like one, is the same each time, and costs next to nothing."""

import time

from novacron.adapters.simulated.gateway import SimulatedGateway
from novacron.adapters.simulated.hostile import HOSTILE_TEXTS
from novacron.adapters.simulated.population import world_of_fleet
from novacron.adapters.simulated.world import World
from novacron.model.vm import VmState
from tests.fake_clock import FakeClock


def _world(hosts: int, vms: int, *, hostile: bool = False, seed: int = 1) -> World:
    return world_of_fleet(hosts=hosts, vms=vms, clock=FakeClock(), seed=seed, hostile=hostile)


def test_the_same_seed_gives_the_same_fleet() -> None:
    one, other = _world(6, 60), _world(6, 60)
    assert [host.machines for host in one.hosts.values()] == [host.machines for host in other.hosts.values()]
    assert one.hosts["kvm-fra-01"].machines != _world(6, 60, seed=2).hosts["kvm-fra-01"].machines  # type: ignore[index]


def test_every_host_has_vms_and_every_vm_its_own_name_and_disk() -> None:
    world = _world(60, 600)
    machines = [machine for host in world.hosts.values() for machine in host.machines.values()]
    assert all(len(host.machines) == 10 for host in world.hosts.values())
    assert {host.spec.site for host in world.hosts.values()} == {"fra", "ams"}
    assert len({machine.name for machine in machines}) == 600
    assert len({machine.id for machine in machines}) == 600
    for host in world.hosts.values():
        for machine in host.machines.values():
            for disk in machine.disks:
                store = host.store_of(disk.source)
                assert store is not None
                assert disk.source in store.volumes


def test_a_running_vm_could_be_started_there() -> None:
    world = _world(8, 80)
    for host in world.hosts.values():
        for machine in host.machines.values():
            if machine.state is VmState.RUNNING:
                world.require_disks(host, machine)


def test_two_hosts_of_a_small_fleet_share_a_store() -> None:
    one, other = _world(2, 4).hosts.values()
    assert one.pool("shared").store is other.pool("shared").store
    assert one.pool("local").store is not other.pool("local").store


async def test_ten_thousand_vms_are_built_in_a_second_and_read_in_microseconds() -> None:
    # Processor time: what else the machine does is not counted.
    began = time.process_time()
    world = _world(500, 10_000)
    assert time.process_time() - began < 1.0
    clock = world.clock
    assert isinstance(clock, FakeClock)
    hypervisor = await SimulatedGateway(world).connect(world.specs[0], deadline_s=5)
    began = time.process_time()
    for _ in range(50):
        reading = await hypervisor.reader.read(inventory=False, deadline_s=5)
    per_vm_s = (time.process_time() - began) / 50 / len(reading.vms)
    assert per_vm_s < 0.0005


async def test_usage_moves_smoothly_and_stays_in_its_bounds() -> None:
    world = _world(1, 40)
    clock = world.clock
    assert isinstance(clock, FakeClock)
    hypervisor = await SimulatedGateway(world).connect(world.specs[0], deadline_s=5)
    before = await hypervisor.reader.read(inventory=True, deadline_s=5)
    moved = 0
    for _ in range(300):
        await clock.advance(1.0)
        after = await hypervisor.reader.read(inventory=False, deadline_s=5)
        for old, new in zip(before.vms, after.vms, strict=True):
            if new.state is not VmState.RUNNING:
                continue
            assert new.usage.cpu_percent is not None
            assert old.usage.cpu_percent is not None
            assert 0 < new.usage.cpu_percent <= 100 * new.vcpus
            assert abs(new.usage.cpu_percent - old.usage.cpu_percent) <= 8 * new.vcpus
            moved += new.usage.cpu_percent != old.usage.cpu_percent
        assert 0 <= (after.load.cpu_percent or 0) <= 100
        before = after
    assert moved > 5000


def test_a_hostile_world_has_every_hostile_name_once() -> None:
    world = _world(3, 60, hostile=True)
    names = [machine.name for host in world.hosts.values() for machine in host.machines.values()]
    for text in HOSTILE_TEXTS:
        assert names.count(text) == 1
