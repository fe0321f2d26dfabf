"""Creates, changes and removes simulated VMs and their volumes (ports.hypervisor.VmDefiner, StoragePools)."""

from dataclasses import replace

from novacron.adapters.simulated.definition import from_xml
from novacron.adapters.simulated.machine import Machine, Workload, renamed, require_no_job, resized_live, resized_stored
from novacron.adapters.simulated.role import Role
from novacron.model.errors import Conflict, NotFound, OperationError
from novacron.model.ids import VmId
from novacron.model.migration import Belongings
from novacron.model.operations.creation import CreateVm
from novacron.model.vm import VmDisk, VmNic

_COPY_MIB_S = 800.0


class Definer(Role):
    """Definitions, disks and pools."""

    async def create_disk(self, intent: CreateVm, *, anew: bool = False, deadline_s: float) -> str:
        """Create the VM's disk and return its path."""
        base = self._base_allocation_mib(intent)
        return await self.link.call(
            "create disk",
            lambda: self._create_disk(intent, anew),
            deadline_s=deadline_s,
            effects=True,
            takes_s=base / _COPY_MIB_S,
        )

    async def find_disk(self, intent: CreateVm, *, deadline_s: float) -> str:
        """Return the path of the volume that `create_disk` makes, if it is there."""

        def find() -> str:
            path = self._path_of(intent)
            return path if path in self.host.pool(intent.pool).require_active().volumes else ""

        return await self.link.call("find disk", find, deadline_s=deadline_s)

    async def define(self, intent: CreateVm, disk_path: str, *, deadline_s: float) -> None:
        """Define the VM."""
        await self.link.call("define", lambda: self._define(intent, disk_path), deadline_s=deadline_s, effects=True)

    async def define_xml(self, xml: str, *, deadline_s: float) -> None:
        """Define a VM from another host's definition."""
        await self.link.call("define", lambda: self._define_xml(xml), deadline_s=deadline_s, effects=True)

    async def belongings(self, vm: VmId, *, deadline_s: float) -> Belongings:
        """Tell how many snapshots it has: all that a simulated VM has beside its definition and its disks."""
        machine = await self.link.call("belongings", lambda: self.host.machine(vm), deadline_s=deadline_s)
        return Belongings(snapshots=machine.snapshots)

    async def rename(self, vm: VmId, new_name: str, *, deadline_s: float) -> None:
        """Rename it."""

        def give_name() -> None:
            after = renamed(self.host.machine(vm), new_name)
            self.host.require_name_free(new_name, besides=vm)
            self.host.put(after, "renamed")

        await self.link.call("rename", give_name, deadline_s=deadline_s, effects=True)

    async def set_autostart(self, vm: VmId, enabled: bool, *, deadline_s: float) -> None:
        """Start it with the host, or not."""

        def mark() -> None:
            machine = self.host.machine(vm)
            if not machine.persistent:
                raise OperationError(
                    machine.name,
                    "Requested operation is not valid: cannot set autostart for transient domain",
                )
            self.host.put(replace(machine, autostart=enabled), "autostart set")

        await self.link.call("autostart", mark, deadline_s=deadline_s, effects=True)

    async def resize_stored(self, vm: VmId, vcpus: int | None, memory_mib: int | None, *, deadline_s: float) -> None:
        """Set vCPUs and memory of its next start."""

        def fit() -> None:
            after = resized_stored(self.host.machine(vm), vcpus=vcpus, memory_mib=memory_mib)
            self.host.put(after, "resized")

        await self.link.call("resize", fit, deadline_s=deadline_s, effects=True)

    async def resize_live(self, vm: VmId, vcpus: int | None, memory_mib: int | None, *, deadline_s: float) -> None:
        """Set vCPUs and memory of its process."""

        def fit() -> None:
            after = resized_live(self.host.machine(vm), vcpus=vcpus, memory_mib=memory_mib)
            self.host.put(after, "resized")

        await self.link.call("resize live", fit, deadline_s=deadline_s, effects=True)

    async def undefine(self, vm: VmId, *, deadline_s: float) -> None:
        """Remove its definition."""

        def forget() -> None:
            machine = self.host.machines.get(vm)
            if machine is None:
                return
            require_no_job(machine)
            if machine.is_active:
                self.host.put(replace(machine, persistent=False, autostart=False), "undefined")
            else:
                self.host.remove(vm, "undefined")

        await self.link.call("undefine", forget, deadline_s=deadline_s, effects=True)

    async def delete_disk(self, path: str, *, deadline_s: float) -> None:
        """Delete the volume at `path`."""

        def delete() -> None:
            store = self.host.store_of(path)
            if store is not None:
                store.volumes.pop(path, None)

        await self.link.call("delete disk", delete, deadline_s=deadline_s, effects=True)

    async def set_pool_active(self, pool: str, active: bool, *, deadline_s: float) -> None:
        """Start or stop a pool."""

        def switch() -> None:
            found = self.host.pool(pool)
            if found.active is active:
                state = "already active" if active else "not active"
                raise OperationError(pool, f"Requested operation is not valid: storage pool '{pool}' is {state}")
            found.active = active

        await self.link.call("pool", switch, deadline_s=deadline_s, effects=True)

    async def delete_volume(self, pool: str, volume: str, *, deadline_s: float) -> None:
        """Delete a volume."""

        def delete() -> None:
            found = self.host.pool(pool)
            try:
                stored = found.find(volume)
            except NotFound:
                return
            del found.store.volumes[stored.volume.path]

        await self.link.call("delete volume", delete, deadline_s=deadline_s, effects=True)

    def _base_allocation_mib(self, intent: CreateVm) -> int:
        pool = self.host.pools.get(intent.pool)
        if pool is None or not pool.active or not intent.base_volume:
            return 0
        volumes = (stored.volume for stored in pool.store.volumes.values())
        return next((one.allocation_mib for one in volumes if one.name == intent.base_volume), 0)

    def _create_disk(self, intent: CreateVm, anew: bool) -> str:
        pool = self.host.pool(intent.pool)
        store = pool.require_active()
        made = store.volumes.get(self._path_of(intent))
        if made is not None and made.owner == intent.vm:
            if not anew:
                raise Conflict(intent.name, f"storage volume '{intent.name}.qcow2' exists already")
            self._require_unused(made.volume.path)
            del store.volumes[made.volume.path]
        base = pool.find(intent.base_volume).volume if intent.base_volume else None
        return store.add(
            f"{intent.name}.qcow2",
            capacity_mib=max(intent.disk_mib, base.capacity_mib if base else 0),
            allocation_mib=base.allocation_mib if base else 1,
            owner=intent.vm,
        )

    def _path_of(self, intent: CreateVm) -> str:
        return f"{self.host.pool(intent.pool).store.path}/{intent.name}.qcow2"

    def _require_unused(self, path: str) -> None:
        for machine in self.host.machines.values():
            if any(disk.source == path for disk in machine.disks):
                raise Conflict(path, f"it is a disk of {machine.name}", "look what it is, or choose another name")

    def _define(self, intent: CreateVm, disk_path: str) -> None:
        existing = self.host.machines.get(intent.vm)
        if existing is not None:
            if existing.name == intent.name:
                return
            raise Conflict(intent.name, f"domain '{existing.name}' is already defined with uuid {intent.vm}")
        self.host.require_name_free(intent.name, besides=intent.vm)
        disks = (self._disk_at(VmDisk(target="vda", source=disk_path, format="qcow2")),) if disk_path else ()
        nics = (VmNic(mac=mac_of(intent.vm), network=intent.network, model="virtio"),) if intent.network else ()
        self.host.put(
            Machine(
                id=intent.vm,
                name=intent.name,
                vcpus=intent.vcpus,
                vcpus_max=intent.vcpus,
                memory_mib=intent.memory_mib,
                memory_max_mib=intent.memory_mib,
                disks=disks,
                nics=nics,
                description=intent.description,
                kernel=intent.kernel,
                initrd=intent.initrd,
                cmdline=intent.cmdline,
                workload=workload_of(intent.name),
            ),
            "defined",
        )

    def _define_xml(self, xml: str) -> None:
        described = from_xml(xml)
        self.host.require_name_free(described.name, besides=described.id)
        existing = self.host.machines.get(described.id)
        if existing is not None and existing.is_active:
            self.host.put(replace(existing, persistent=True), "defined")
            return
        disks = tuple(self._disk_at(disk) for disk in described.disks)
        self.host.put(replace(described, disks=disks, workload=workload_of(described.name)), "defined")

    def _disk_at(self, disk: VmDisk) -> VmDisk:
        store = self.host.store_of(disk.source)
        stored = None if store is None else store.volumes.get(disk.source)
        if stored is None:
            return disk
        return replace(
            disk,
            capacity_mib=stored.volume.capacity_mib,
            allocation_mib=stored.volume.allocation_mib,
            pool_id=self.host.pool_id_of(disk.source),
        )


def mac_of(vm: VmId) -> str:
    """Return the MAC address of the VM's first NIC, in QEMU's range."""
    return f"52:54:00:{vm[:2]}:{vm[2:4]}:{vm[4:6]}"


def workload_of(name: str) -> Workload:
    """Return what a VM of this name does all day."""
    prefix = name.partition("-")[0]
    return next((workload for workload in Workload if workload.value == prefix), Workload.IDLE)
