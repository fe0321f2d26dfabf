"""Creates, changes and removes definitions of simulated VMs (ports.hypervisor.VmDefiner)."""

from dataclasses import replace

from novacron.adapters.simulated.definition import from_xml
from novacron.adapters.simulated.host_role import HostRole
from novacron.adapters.simulated.machine import Machine, Workload, renamed, require_no_job, resized_live, resized_stored
from novacron.model.errors import Conflict, OperationError
from novacron.model.ids import VmId
from novacron.model.vm import VmDisk, VmNic
from novacron.model.vm_definition import VmDefinition


class Definer(HostRole):
    """Definitions."""

    async def define(self, definition: VmDefinition, *, deadline_s: float) -> None:
        """Define the VM."""
        await self.link.call("define", lambda: self._define(definition), deadline_s=deadline_s, effects=True)

    async def define_xml(self, xml: str, *, deadline_s: float) -> None:
        """Define a VM from another host's definition."""
        await self.link.call("define", lambda: self._define_xml(xml), deadline_s=deadline_s, effects=True)

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

    def _define(self, wanted: VmDefinition) -> None:
        existing = self.host.machines.get(wanted.id)
        if existing is not None:
            if existing.name == wanted.name:
                return
            raise Conflict(wanted.name, f"domain '{existing.name}' is already defined with uuid {wanted.id}")
        self.host.require_name_free(wanted.name, besides=wanted.id)
        disks = (
            (self._disk_at(VmDisk(target="vda", source=wanted.disk_path, format="qcow2")),) if wanted.disk_path else ()
        )
        nics = (VmNic(mac=mac_of(wanted.id), network=wanted.network, model="virtio"),) if wanted.network else ()
        self.host.put(
            Machine(
                id=wanted.id,
                name=wanted.name,
                vcpus=wanted.vcpus,
                vcpus_max=wanted.vcpus,
                memory_mib=wanted.memory_mib,
                memory_max_mib=wanted.memory_mib,
                disks=disks,
                nics=nics,
                description=wanted.description,
                kernel=wanted.boot.kernel if wanted.boot else "",
                initrd=wanted.boot.initrd if wanted.boot else "",
                cmdline=wanted.boot.cmdline if wanted.boot else "",
                workload=workload_of(wanted.name),
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
