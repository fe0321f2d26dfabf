"""A small random fleet: three hosts, a shared pool, a local pool each, six VMs of every condition."""

from dataclasses import replace
from random import Random
from uuid import UUID

from novacron.adapters.simulated.machine import Machine
from novacron.adapters.simulated.population import LOCAL_POOL, SHARED_POOL, a_shared_store, add_stores
from novacron.model.ids import HostId, VmId
from novacron.model.vm import VmDisk, VmNic, VmState
from tests.simulation.clock import JumpingClock
from tests.simulation.observed_world import ObservedHost, ObservedWorld
from tests.simulation.trace import Trace

HOSTS = ("kvm-a", "kvm-b", "kvm-c")
_VMS = 6
_STATES = (VmState.RUNNING, VmState.RUNNING, VmState.RUNNING, VmState.SHUT_OFF, VmState.SHUT_OFF, VmState.PAUSED)


def a_random_world(clock: JumpingClock, rng: Random, trace: Trace) -> ObservedWorld:
    """Return a world of three hosts and six VMs; some without disks, one at times with a second definition."""
    world = ObservedWorld(clock, trace)
    shared = a_shared_store()
    for name in HOSTS:
        host = ObservedHost(name, clock=clock)
        add_stores(host, shared)
        for pool in host.pools.values():
            pool.store.label = f"{pool.name} of {'all' if pool.store.shared else name}"
        world.add(host)
    for number in range(_VMS):
        _add_vm(world, rng, f"vm-{number}")
    shared.add("orphan-1.qcow2", capacity_mib=64)
    world.hosts[HostId(HOSTS[0])].pools[LOCAL_POOL].store.add("orphan-2.qcow2", capacity_mib=64)
    world.remember_volumes()
    return world


def _add_vm(world: ObservedWorld, rng: Random, name: str) -> None:
    host = world.hosts[HostId(rng.choice(HOSTS))]
    identity = VmId(str(UUID(int=rng.getrandbits(128), version=4)))
    disks: tuple[VmDisk, ...] = ()
    if rng.random() < 0.8:
        pool = host.pools[SHARED_POOL if rng.random() < 0.7 else LOCAL_POOL]
        path = pool.store.add(f"{name}.qcow2", capacity_mib=1024, allocation_mib=100, owner=identity)
        disks = (VmDisk(target="vda", source=path, format="qcow2", capacity_mib=1024, allocation_mib=100),)
    state = rng.choice(_STATES)
    machine = Machine(
        id=identity,
        name=name,
        state=state,
        autostart=rng.random() < 0.3,
        vcpus=2,
        vcpus_max=4,
        memory_mib=1024,
        memory_max_mib=2048,
        disks=disks,
        nics=(VmNic(mac=f"52:54:00:00:00:{rng.randint(16, 99)}", network="default"),),
        dirty_mib_s=rng.choice([0.5, 10.0, 50.0]),
        working_set_mib=rng.choice([16.0, 256.0]),
        obeys_power_button=rng.random() < 0.8,
        on_reboot=rng.choice(["restart", "restart", "destroy"]),
        started_at=world.clock.monotonic() if state is not VmState.SHUT_OFF else None,
    )
    host.machines[identity] = machine
    if rng.random() < 0.1:
        other = world.hosts[HostId(rng.choice([each for each in HOSTS if each != host.name]))]
        other.machines[identity] = replace(machine, state=VmState.SHUT_OFF, started_at=None, autostart=False)
