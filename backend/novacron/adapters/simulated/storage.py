"""Acts on pools, volumes and disks of a simulated host (ports.hypervisor.HostStorage)."""

from novacron.adapters.simulated.host_role import HostRole
from novacron.model.errors import Conflict, NotFound, OperationError
from novacron.model.ids import VmId
from novacron.model.migration import DiskProbe
from novacron.model.vm_definition import NewDisk

_COPY_MIB_S = 800.0


class Storage(HostRole):
    """Pools, volumes and disks."""

    async def create_disk(self, disk: NewDisk, *, anew: bool = False, deadline_s: float) -> str:
        """Create the VM's disk and return its path."""
        base = self._base_allocation_mib(disk)
        return await self.link.call(
            "create disk",
            lambda: self._create_disk(disk, anew),
            deadline_s=deadline_s,
            effects=True,
            takes_s=base / _COPY_MIB_S,
        )

    async def find_disk(self, disk: NewDisk, *, deadline_s: float) -> str:
        """Return the path of the volume that `create_disk` makes, if it is there."""

        def find() -> str:
            path = self._path_of(disk)
            return path if path in self.host.pool(disk.pool).require_active().volumes else ""

        return await self.link.call("find disk", find, deadline_s=deadline_s)

    async def delete_disk(self, path: str, *, deadline_s: float) -> None:
        """Delete the volume at `path`."""

        def delete() -> None:
            store = self.host.store_of(path)
            if store is not None:
                store.volumes.pop(path, None)

        await self.link.call("delete disk", delete, deadline_s=deadline_s, effects=True)

    async def probe_disks(self, paths: tuple[str, ...], *, deadline_s: float) -> tuple[DiskProbe, ...]:
        """Tell, as a destination, whether each path is there and whether a lock held elsewhere is seen."""
        return await self.link.call(
            "probe disks", lambda: tuple(self._probe(path) for path in paths), deadline_s=deadline_s
        )

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

    def _base_allocation_mib(self, disk: NewDisk) -> int:
        pool = self.host.pools.get(disk.pool)
        if pool is None or not pool.active or not disk.base_volume:
            return 0
        volumes = (stored.volume for stored in pool.store.volumes.values())
        return next((one.allocation_mib for one in volumes if one.name == disk.base_volume), 0)

    def _create_disk(self, disk: NewDisk, anew: bool) -> str:
        pool = self.host.pool(disk.pool)
        store = pool.require_active()
        made = store.volumes.get(self._path_of(disk))
        if made is not None and made.owner == disk.vm:
            if not anew:
                raise Conflict(disk.vm_name, f"storage volume '{disk.vm_name}.qcow2' exists already")
            self._require_unused(made.volume.path)
            del store.volumes[made.volume.path]
        base = pool.find(disk.base_volume).volume if disk.base_volume else None
        return store.add(
            f"{disk.vm_name}.qcow2",
            capacity_mib=max(disk.size_mib, base.capacity_mib if base else 0),
            allocation_mib=base.allocation_mib if base else 1,
            owner=disk.vm,
        )

    def _path_of(self, disk: NewDisk) -> str:
        return f"{self.host.pool(disk.pool).store.path}/{disk.vm_name}.qcow2"

    def _require_unused(self, path: str) -> None:
        for machine in self.host.machines.values():
            if any(disk.source == path for disk in (*machine.disks, *machine.stored_disks)):
                raise Conflict(path, f"it is a disk of {machine.name}", "look what it is, or choose another name")

    def _probe(self, path: str) -> DiskProbe:
        store = self.host.store_of(path)
        if store is None:
            return DiskProbe(path=path, visible=False, detail="no pool of this host covers it")
        visible = path in store.volumes
        held = self.world.lock_holder(store, path, besides=(self.host, VmId("")))
        free_mib = store.capacity_mib - store.allocation_mib
        return DiskProbe(
            path=path,
            visible=visible,
            lock_seen=None if not visible else True if held is not None else None if store.locks else False,
            file_system=store.file_system,
            free_mib=free_mib,
            identity=f"{id(store)} {path}" if visible else "",
            inode=f"{id(store)} {path}" if visible else "",
        )
