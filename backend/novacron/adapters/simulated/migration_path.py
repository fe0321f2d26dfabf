"""Network and storage between the two hosts of a simulated migration: may it begin, how fast is it, what is copied."""

from novacron.adapters.simulated.host import SimulatedHost
from novacron.adapters.simulated.machine import require_no_job
from novacron.adapters.simulated.precopy import Precopy
from novacron.adapters.simulated.stores import Store
from novacron.adapters.simulated.world import World
from novacron.model.errors import Conflict, OperationError
from novacron.model.migration import MigrationMode
from novacron.model.vm import VmDisk, VmState
from novacron.ports.hypervisor import MigrationRequest

_DEFAULT_DOWNTIME_MS = 300
_RELAYED_MIB_S = 80.0


class MigrationPath:
    """The path of one VM from one host to another."""

    def __init__(
        self, world: World, source: SimulatedHost, destination: SimulatedHost, request: MigrationRequest
    ) -> None:
        self._world = world
        self._source = source
        self._destination = destination
        self._request = request
        self._machine = source.machine(request.vm)
        self._created: list[tuple[Store, str]] = []

    def check(self) -> None:
        """Check what both libvirtds check before anything changes.

        Raises:
            OperationError: one of them says no.
        """
        machine, there = self._machine, self._destination
        require_no_job(machine)
        if machine.state is not VmState.RUNNING:
            raise OperationError(machine.name, "Requested operation is not valid: domain is not running")
        if machine.snapshots:
            detail = f"Requested operation is not valid: cannot migrate domain with {machine.snapshots} snapshots"
            raise OperationError(machine.name, detail)
        known = there.machines.get(machine.id)
        if known is not None and known.is_active:
            raise Conflict(machine.name, f"domain is already active as '{known.name}' on {there.name}")
        there.require_name_free(machine.name, besides=machine.id)
        if self._request.mode is not MigrationMode.RELAYED and not self._world.reaches(self._source, there):
            raise OperationError(
                machine.name,
                f"unable to connect to server at '{there.name}:49152': No route to host",
                "use a relayed migration",
            )
        missing = [nic.network for nic in machine.nics if nic.network not in there.facts.networks]
        if missing:
            raise OperationError(machine.name, f"Network not found: no network with matching name '{missing[0]}'")
        self._check_disks()

    def precopy(self) -> Precopy:
        """Return what will be copied when."""
        relayed = self._request.mode is MigrationMode.RELAYED
        rates: list[float] = [self._source.rate_mib_s, self._destination.rate_mib_s]
        if relayed:
            rates.append(_RELAYED_MIB_S)
        if self._request.bandwidth_mib_s:
            rates.append(float(self._request.bandwidth_mib_s))
        copied = self._disks_to_copy() if self._request.copy_storage else ()
        return Precopy(
            # Zero pages cost next to nothing on the line.
            memory_mib=max(32.0, 0.7 * self._machine.memory_mib),
            rate_mib_s=min(rates),
            dirty_mib_s=self._machine.dirty_mib_s,
            working_set_mib=self._machine.working_set_mib,
            downtime_ms=self._request.max_downtime_ms or _DEFAULT_DOWNTIME_MS,
            disk_mib=float(sum(disk.allocation_mib or 0 for disk in copied)),
            auto_converge=self._request.auto_converge,
        )

    def nothing_locks(self) -> bool:
        """Whether both hosts could write to its disks at once."""
        stores = [self._source.store_of(disk.source) for disk in self._machine.disks]
        return all(store is None or not store.locks for store in stores)

    def make_copies(self) -> None:
        """Create the volumes at the destination that will be copied into."""
        for disk in self._disks_to_copy() if self._request.copy_storage else ():
            self._create_copy(disk)

    def drop_copies(self) -> None:
        """Delete again what was created."""
        for store, path in self._created:
            store.volumes.pop(path, None)
        self._created.clear()

    def keep_copies(self) -> None:
        """Let them be the VM's disks from now on."""
        self._created.clear()

    def _check_disks(self) -> None:
        for disk in self._disks_to_copy():
            if not self._request.copy_storage:
                raise OperationError(
                    self._machine.name,
                    "Unsafe migration: Migration without shared storage is unsafe",
                    "copy the storage along",
                )
            if self._destination.store_of(disk.source) is None:
                raise OperationError(
                    self._machine.name,
                    f"Storage pool not found: no storage pool with matching target path for '{disk.source}'",
                )

    def _disks_to_copy(self) -> tuple[VmDisk, ...]:
        return tuple(disk for disk in self._machine.disks if not self._is_shared(disk))

    def _is_shared(self, disk: VmDisk) -> bool:
        here, there = self._source.store_of(disk.source), self._destination.store_of(disk.source)
        return here is not None and here is there

    def _create_copy(self, disk: VmDisk) -> None:
        store = self._destination.store_of(disk.source)
        if store is None or disk.source in store.volumes:
            return
        store.add(
            disk.source.rpartition("/")[2],
            capacity_mib=disk.capacity_mib or 0,
            allocation_mib=disk.allocation_mib or 0,
            owner=self._machine.id,
        )
        self._created.append((store, disk.source))
