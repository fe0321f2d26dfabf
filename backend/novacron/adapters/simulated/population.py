"""Fills a simulated world with a fleet that looks like one: sites, clusters, hosts, services.

Deterministic: the same numbers and seed give the same fleet, UUID by UUID.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from math import inf
from random import Random

from novacron.adapters.simulated.host import SimulatedHost
from novacron.adapters.simulated.hostile import HOSTILE_TEXTS
from novacron.adapters.simulated.machine import Machine, Workload
from novacron.adapters.simulated.stores import Store
from novacron.adapters.simulated.world import World
from novacron.model.ids import VmId
from novacron.model.vm import StateReason, VmDisk, VmNic, VmState
from novacron.ports.clock import Clock

SHARED_POOL = "shared"
LOCAL_POOL = "local"
_SITES = ("fra", "ams")
_CLUSTER = 8
"""Hosts that share one store."""
_BASE_IMAGES = (("debian-12.qcow2", 3072, 640), ("ubuntu-24.04.qcow2", 3584, 720))
_SERVICES: dict[Workload, tuple[str, ...]] = {
    Workload.WEB: ("shop", "api", "login", "docs", "edge", "media"),
    Workload.DATABASE: ("orders", "users", "billing", "stock", "events"),
    Workload.CACHE: ("session", "page", "queue"),
    Workload.BUILD: ("runner", "mirror", "nightly"),
    Workload.IDLE: ("bastion", "ldap", "ntp", "dns"),
}
_MIX: tuple[Workload, ...] = (
    *(Workload.WEB,) * 9,
    *(Workload.DATABASE,) * 4,
    *(Workload.CACHE,) * 3,
    *(Workload.BUILD,) * 2,
    *(Workload.IDLE,) * 2,
)
_SIZES: dict[Workload, tuple[tuple[int, int, int], ...]] = {
    Workload.WEB: ((2, 4096, 20), (4, 8192, 40)),
    Workload.DATABASE: ((8, 32768, 500), (4, 16384, 200)),
    Workload.CACHE: ((2, 16384, 10), (4, 32768, 10)),
    Workload.BUILD: ((8, 16384, 100), (16, 32768, 200)),
    Workload.IDLE: ((1, 1024, 8), (1, 2048, 8)),
}
"""vCPUs, memory in MiB, disk in GiB."""
_TROUBLE_FROM_VMS = 100
"""Fleets of this size have a few VMs in trouble, as real ones do."""


def world_of_fleet(*, hosts: int, vms: int, clock: Clock, seed: int = 1, hostile: bool = False) -> World:
    """Build a fleet of two sites; with `hostile` some VMs have names that attack a terminal."""
    world = World(clock)
    rng = Random(seed)  # noqa: S311 - plausible, not secret
    added = list(_add_hosts(world, hosts))
    names = _names(rng)
    for index in range(vms):
        host = added[index * len(added) // vms]
        name, workload = next(names)
        trouble = index if vms >= _TROUBLE_FROM_VMS else -1
        _add_vm(world, host, rng, _Draft(name=name, workload=workload, trouble=trouble))
    if hostile:
        _make_hostile(world)
    return world


def let_figures_rest(world: World, *, percent: float) -> None:
    """Let the figures of that many percent of the VMs change each second, of each in its turn; 0: of none, ever."""
    for host in world.hosts.values():
        host.figures_period_s = 100 / percent if percent else inf


def add_stores(host: SimulatedHost, shared: Store) -> None:
    """Give a host the pools every host has: the cluster's shared one and a local one, with base images."""
    local = Store(path="/var/lib/libvirt/images", capacity_mib=4_000_000)
    for store in (shared, local):
        for name, capacity_mib, allocation_mib in _BASE_IMAGES:
            if f"{store.path}/{name}" not in store.volumes:
                store.add(name, capacity_mib=capacity_mib, allocation_mib=allocation_mib)
    host.add_pool(SHARED_POOL, shared)
    host.add_pool(LOCAL_POOL, local)


def a_shared_store() -> Store:
    """Return a store as a cluster shares it."""
    return Store(path="/srv/shared", capacity_mib=60_000_000, kind="netfs", file_system="nfs4", shared=True)


def _add_hosts(world: World, hosts: int) -> Iterator[SimulatedHost]:
    # Up to three hosts make one cluster: migration then has somewhere to go.
    sites = _SITES if hosts > 3 else _SITES[:1]
    for position, site in enumerate(sites):
        in_site = hosts // len(sites) + (position < hosts % len(sites))
        digits = max(2, len(str(in_site)))
        for number in range(in_site):
            if number % _CLUSTER == 0:
                shared = a_shared_store()
            host = SimulatedHost(f"kvm-{site}-{number + 1:0{digits}d}", clock=world.clock, site=site)
            add_stores(host, shared)
            yield world.add_host(host)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    name: str
    workload: Workload
    trouble: int


def _add_vm(world: World, host: SimulatedHost, rng: Random, draft: _Draft) -> None:
    identity = VmId(str(uuid.UUID(int=rng.getrandbits(128), version=4)))
    vcpus, memory_mib, disk_gib = rng.choice(_SIZES[draft.workload])
    pool = host.pools[LOCAL_POOL if draft.workload is Workload.BUILD or rng.random() < 0.2 else SHARED_POOL]
    allocation_mib = int(disk_gib * 1024 * rng.uniform(0.1, 0.6))
    path = pool.store.add(
        f"{draft.name}.qcow2", capacity_mib=disk_gib * 1024, allocation_mib=allocation_mib, owner=identity
    )
    disk = VmDisk(
        target="vda",
        source=path,
        format="qcow2",
        capacity_mib=disk_gib * 1024,
        allocation_mib=allocation_mib,
        pool_id=pool.id,
    )
    state, reason = _state(rng, draft.trouble)
    active = state in {VmState.RUNNING, VmState.PAUSED}
    link = f"vnet{len(host.machines)}" if active else ""
    mac = f"52:54:00:{identity[:2]}:{identity[2:4]}:{identity[4:6]}"
    host.machines[identity] = Machine(
        id=identity,
        name=draft.name,
        state=state,
        reason=reason,
        autostart=draft.workload is not Workload.BUILD,
        vcpus=vcpus,
        vcpus_max=vcpus,
        memory_mib=memory_mib,
        memory_max_mib=memory_mib,
        disks=(disk,),
        nics=(VmNic(mac=mac, network="default", model="virtio", link=link),),
        workload=draft.workload,
        dirty_mib_s=rng.uniform(1, 60),
        working_set_mib=memory_mib * 0.1,
        started_at=world.clock.monotonic() if active else None,
    )


def _state(rng: Random, trouble: int) -> tuple[VmState, StateReason]:
    if trouble == 17:
        return VmState.SHUT_OFF, StateReason.CRASHED
    if trouble == 42:
        return VmState.PAUSED, StateReason.IO_ERROR
    drawn = rng.random()
    if drawn < 0.86:
        return VmState.RUNNING, StateReason.BOOTED
    if drawn < 0.98:
        return VmState.SHUT_OFF, StateReason.SHUTDOWN
    return VmState.PAUSED, StateReason.USER


def _names(rng: Random) -> Iterator[tuple[str, Workload]]:
    """Yield role-service-number, each once."""
    numbers = {(workload, service): count(1) for workload, services in _SERVICES.items() for service in services}
    while True:
        workload = rng.choice(_MIX)
        service = rng.choice(_SERVICES[workload])
        number = next(numbers[workload, service])
        prefix = "sys" if workload is Workload.IDLE else workload.value
        yield f"{prefix}-{service}-{number:02d}", workload


def _make_hostile(world: World) -> None:
    """Give every text to one VM, spread over the fleet, as its name and its description."""
    everyone = [(host, vm) for host in world.hosts.values() for vm in host.machines]
    step = max(1, len(everyone) // len(HOSTILE_TEXTS))
    for (host, vm), text in zip(everyone[::step], HOSTILE_TEXTS, strict=False):
        host.machines[vm] = replace(host.machines[vm], name=text, description=text)
