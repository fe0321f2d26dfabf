"""One simulated host: its VMs, pools and networks, and who is connected to it."""

import uuid
from collections.abc import Iterable
from dataclasses import replace
from math import floor, inf
from typing import Any, NamedTuple

from novacron.adapters.simulated import files
from novacron.adapters.simulated.host_faults import HostFaults
from novacron.adapters.simulated.link import HostLink
from novacron.adapters.simulated.machine import Job, Machine, rebooted, sizing_of
from novacron.adapters.simulated.serial import SerialPort
from novacron.adapters.simulated.stores import HostPool, Store
from novacron.adapters.simulated.usage import usage_at
from novacron.model.capability import Capabilities, Capability, MissingCapability
from novacron.model.errors import Conflict, NotFound
from novacron.model.host import HostFacts, HostLoad, HostSpec
from novacron.model.ids import HostId, PoolId, VmId
from novacron.model.vm import VmReading
from novacron.ports.clock import Clock
from novacron.ports.hypervisor import HostEvent, HostEventKind

_RESERVED_MIB = 2048
_LIKE_LIBVIRT_9_0 = Capabilities(
    missing=(
        MissingCapability(
            capability=Capability.REVERT_EXTERNAL_SNAPSHOT, reason="its libvirt is 9.0.0; 9.9.0 is the first that can"
        ),
    )
)
_NAMESPACE = uuid.UUID("0d7c9f0e-3a55-4a35-8a51-6d1f6a0c7b11")


class _Told(NamedTuple):
    """What was said of a VM last, and what it followed from."""

    machine: Machine
    storage: tuple[object, ...]
    figures_at_s: float
    fixed: dict[str, Any]
    """Its fields but `usage`."""
    reading: VmReading


class SimulatedHost:
    """A host and what runs on it. Its adapters and the world change it; nobody else."""

    def __init__(
        self,
        name: str,
        *,
        clock: Clock,
        site: str = "",
        cores: int = 64,
        memory_mib: int = 524_288,
        networks: tuple[str, ...] = ("default",),
        rate_mib_s: float = 1100.0,
    ) -> None:
        self.spec = HostSpec(id=HostId(name), site=site, uri=f"simulated://{name}")
        self.faults = HostFaults()
        self.machines: dict[VmId, Machine] = {}
        self.pools: dict[str, HostPool] = {}
        self.links: set[HostLink] = set()
        self.serial_ports: dict[VmId, SerialPort] = {}
        self.cpu_models: frozenset[str] = frozenset({"EPYC", "EPYC-Rome"})
        self.machine_types: frozenset[str] = frozenset({"pc-q35-7.2", "q35", "pc", "pc-i440fx-7.2"})
        self.kernels: frozenset[str] = frozenset()
        """Kernels and initrds that lie on it, for direct boot."""
        self.folder_links: dict[str, str] = {}
        """Folders that are links: path -> the folder it leads to."""
        self.rate_mib_s = rate_mib_s
        """What its migration network carries."""
        self.figures_period_s: float | None = None
        """How long the figures of a VM stay as they are; None: they move all the time, infinite: never."""
        self._told: dict[VmId, _Told] = {}
        self.root_used_fraction = 0.2 + (hash_of(name) % 400) / 1000
        self._clock = clock
        self._facts = _facts_of(name, cores=cores, memory_mib=memory_mib, networks=networks)

    @property
    def name(self) -> str:
        """Its name in the fleet file."""
        return self.spec.id

    @property
    def facts(self) -> HostFacts:
        """What it says of itself."""
        return self._facts

    def set_networks(self, networks: tuple[str, ...]) -> None:
        """Have these networks active, and no others."""
        self._facts = replace(self._facts, networks=networks)

    def add_pool(self, name: str, store: Store) -> None:
        """Make `store` known here as the pool `name`."""
        identity = PoolId(str(uuid.uuid5(_NAMESPACE, f"{self.name}/{name}")))
        self.pools[name] = HostPool(id=identity, name=name, store=store)

    def machine(self, vm: VmId) -> Machine:
        """Return the VM.

        Raises:
            NotFound: it is not known here.
        """
        found = self.machines.get(vm)
        if found is None:
            raise NotFound(vm, f"Domain not found: no domain with matching uuid '{vm}'", "it may have moved")
        return found

    def put(self, machine: Machine, detail: str) -> None:
        """Replace the VM, and report an event to whoever watches."""
        self.machines[machine.id] = machine
        if not machine.is_active and not machine.persistent:
            del self.machines[machine.id]
        if not machine.is_active:
            self.hang_up(machine.id)
        self.emit(HostEvent(kind=HostEventKind.VM, vm=machine.id, detail=detail))

    def reboot(self, vm: VmId, *, at: float) -> None:
        """Start the VM's guest anew in the same process; its serial console stays open."""
        self.put(rebooted(self.machine(vm), at=at), "rebooted")
        port = self.serial_ports.get(vm)
        if port is not None:
            port.shell.start_anew()

    def remove(self, vm: VmId, detail: str) -> None:
        """Forget the VM."""
        if self.machines.pop(vm, None) is not None:
            self.hang_up(vm)
            self.emit(HostEvent(kind=HostEventKind.VM, vm=vm, detail=detail))

    def hang_up(self, vm: VmId) -> None:
        """End the VM's serial console: its process is gone."""
        port = self.serial_ports.pop(vm, None)
        if port is not None:
            port.unplug()

    def emit(self, event: HostEvent) -> None:
        """Tell whoever watches this host."""
        for link in self.links:
            link.deliver(event)

    def require_name_free(self, name: str, besides: VmId) -> None:
        """Check that no other VM has this name.

        Raises:
            Conflict: one has it.
        """
        for other in self.machines.values():
            if other.name == name and other.id != besides:
                raise Conflict(
                    name,
                    f"operation failed: domain '{name}' already exists with uuid {other.id}",
                    "choose another",
                )

    def pool(self, name: str) -> HostPool:
        """Return the pool of that name.

        Raises:
            NotFound: there is none.
        """
        found = self.pools.get(name)
        if found is None:
            raise NotFound(name, f"Storage pool not found: no storage pool with matching name '{name}'")
        return found

    def real_path(self, path: str) -> str:
        """Return the path without links on the way."""
        for link, target in self.folder_links.items():
            if path.startswith(f"{link}/"):
                return f"{target}{path.removeprefix(link)}"
        return path

    def store_of(self, path: str) -> Store | None:
        """Return the store on which `path` lies here, or None when no pool covers it."""
        for pool in self.pools.values():
            if pool.active and pool.store.holds(path):
                return pool.store
        return None

    def pool_id_of(self, path: str) -> PoolId | None:
        """Return the pool that covers `path`, or None."""
        return next((pool.id for pool in self.pools.values() if pool.store.holds(path)), None)

    def readings(self) -> tuple[VmReading, ...]:
        """Return what this host says of all its VMs now."""
        storage, now_s = self._storage_now(), self._clock.now().timestamp()
        self._told = {
            machine.id: self._told_of(machine, storage, self._figures_at(machine, now_s))
            for machine in self.machines.values()
        }
        return tuple([told.reading for told in self._told.values()])

    def reading_of(self, machine: Machine) -> VmReading:
        """Return what this host says of the VM now."""
        figures_at_s = self._figures_at(machine, self._clock.now().timestamp())
        return self._told_of(machine, self._storage_now(), figures_at_s).reading

    def _figures_at(self, machine: Machine, now_s: float) -> float:
        """Return the instant whose figures the VM shows now."""
        period_s = self.figures_period_s
        if period_s is None:
            return now_s
        if period_s == inf:
            return 0.0
        # Each VM in its own turn.
        phase_s = seed_of(machine.id) % 65_536 / 65_536 * period_s
        return floor((now_s - phase_s) / period_s) * period_s + phase_s

    def _storage_now(self) -> tuple[object, ...]:
        """Return what decides which files its VMs' disks are."""
        pools = self.pools.values()
        return (
            *self.folder_links.items(),
            *[(pool.id, pool.active, pool.store.label, pool.store.volumes.changes) for pool in pools],
        )

    def _told_of(self, machine: Machine, storage: tuple[object, ...], figures_at_s: float) -> "_Told":
        """Return what is said of a VM: the same object for as long as nothing of it changes."""
        before = self._told.get(machine.id)
        if before is None or before.machine is not machine or before.storage != storage:
            fixed = self._without_figures(machine)
        elif before.figures_at_s == figures_at_s:
            return before
        else:
            fixed = before.fixed
        usage = usage_at(machine, seed_of(machine.id), figures_at_s)
        if before is not None and before.fixed is fixed and before.reading.usage == usage:
            return _Told(machine, storage, figures_at_s, fixed, before.reading)
        # Twice as fast as dataclasses.replace, which a simulation of 10,000 VMs notices.
        return _Told(machine, storage, figures_at_s, fixed, VmReading(usage=usage, **fixed))

    def _without_figures(self, machine: Machine) -> dict[str, Any]:
        """Return what a reading says of the VM, but how busy it is."""
        return {
            "id": machine.id,
            "name": machine.name,
            "state": machine.state,
            "reason": machine.reason,
            "persistent": machine.persistent,
            "autostart": machine.autostart,
            "vcpus": machine.vcpus,
            "vcpus_max": machine.vcpus_max,
            "memory_mib": machine.memory_mib,
            "memory_max_mib": machine.memory_max_mib,
            "sizing": sizing_of(machine),
            "disks": tuple(files.placed(self, disk) for disk in machine.disks),
            "uses": files.uses(self, machine),
            "nics": machine.nics,
            "stored_disks": machine.next_disks,
            "stored_nics": machine.next_nics,
            "on_poweroff": machine.on_poweroff,
            "on_reboot": machine.on_reboot,
            "job_active": machine.job is not Job.NONE,
            "description": machine.description,
            "serial_problem": machine.serial_problem,
        }

    def load(self, vms: Iterable[VmReading]) -> HostLoad:
        """Return its own condition while these VMs run on it."""
        busy = sum(vm.usage.cpu_percent or 0.0 for vm in vms)
        used_mib = _RESERVED_MIB + sum(vm.usage.memory_rss_mib or 0 for vm in vms)
        percent = min(100.0, 1.0 + busy / max(1, self._facts.cores))
        return HostLoad(
            cpu_percent=round(percent, 1),
            load_1m=round(percent / 100 * self._facts.cores, 2),
            memory_used_mib=min(used_mib, self._facts.memory_mib),
            pressure_cpu=round(max(0.0, percent - 70) / 2, 1),
            pressure_memory=0.0,
            pressure_io=round(percent / 50, 1),
            root_used_fraction=self.root_used_fraction,
            root_path="/",
        )

    @property
    def memory_free_mib(self) -> int:
        """What no running VM may claim."""
        claimed = sum(machine.memory_max_mib for machine in self.machines.values() if machine.is_active)
        return max(0, self._facts.memory_mib - claimed - _RESERVED_MIB)


def _facts_of(name: str, *, cores: int, memory_mib: int, networks: tuple[str, ...]) -> HostFacts:
    return HostFacts(
        hostname=name,
        uuid=str(uuid.uuid5(_NAMESPACE, name)),
        cpu_model="EPYC-Rome",
        cores=cores,
        memory_mib=memory_mib,
        libvirt_version="9.0.0",
        hypervisor_version="7.2.22",
        kernel="6.1.0-32-amd64",
        networks=networks,
        domain_types=("kvm", "qemu"),
        capabilities=_LIKE_LIBVIRT_9_0,
    )


def seed_of(vm: VmId) -> int:
    """Return the number from which the VM's habits follow."""
    return int(vm[:8], 16)


def hash_of(text: str) -> int:
    """Return a number that depends on the text alone, in every process."""
    return uuid.uuid5(_NAMESPACE, text).int
