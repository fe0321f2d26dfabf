"""Reading a host: one bulk call a poll, and what changes rarely from a cache that events keep fresh."""

import asyncio
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from novacron.adapters.libvirt import statistics
from novacron.adapters.libvirt.access import HostAccess
from novacron.adapters.libvirt.belongings import read_belongings
from novacron.adapters.libvirt.channel import Channel, Connection
from novacron.adapters.libvirt.events import EventFeed
from novacron.adapters.libvirt.facts import FactsReader
from novacron.adapters.libvirt.host_files import HostFiles
from novacron.adapters.libvirt.host_role import HostRole
from novacron.adapters.libvirt.known_vm import NOT_READ, KnownVm, learn, with_kept_files
from novacron.adapters.libvirt.pool_reader import PoolReader
from novacron.adapters.libvirt.statistics import Counters, Stats
from novacron.adapters.libvirt.vm_files import VmFiles
from novacron.adapters.libvirt.vm_lists import VmLists
from novacron.model.capability import Capabilities
from novacron.model.errors import NovaCronError
from novacron.model.host import HostFacts, HostLoad, HostReading, HostSpec
from novacron.model.ids import VmId
from novacron.model.migration import Belongings
from novacron.model.vm import VmDisk, VmNic, VmReading, VmUsage
from novacron.ports.clock import Clock
from novacron.ports.hypervisor import HostEvent

_STORAGE_PATIENCE_S = 2.0
"""How long an inventory waits for pools and files; what takes longer comes, or not, with a later reading."""

_NO_ID = -1


_Row = tuple[VmId, str, Stats, KnownVm]

_LEARNING_S = 2.0
"""How long one reading may spend on definitions: well below its deadline, whatever a call costs."""


class Reader(HostRole):
    """ports.hypervisor.HostReader."""

    def __init__(
        self, spec: HostSpec, access: HostAccess, channel: Channel, clock: Clock, capabilities: Capabilities
    ) -> None:
        super().__init__(spec, access, channel, clock)
        self._known: dict[VmId, KnownVm] = {}
        self._stale: set[VmId] = set()
        """VMs to be learned with the next reading; only the event loop touches it."""
        self._changed: set[VmId] = set()
        """VMs of which an event was heard since their definition was read."""
        self._kept_wanted: set[VmId] = set()
        """Whose snapshots are to be asked for when they are learned next."""
        self._counters: dict[VmId, Counters] = {}
        self._facts = FactsReader(spec, access, channel, clock, capabilities)
        self._inventory_at = clock.now()
        self._pools = PoolReader(access, clock)
        self._files = HostFiles(access, clock, self._pools)
        self._feed: EventFeed | None = None
        self._starting: asyncio.Task[None] | None = None

    async def read(self, *, inventory: bool, deadline_s: float) -> HostReading:
        """Read everything."""
        if inventory:
            self._stale.update(self._known)
            self._kept_wanted = set(self._known)
            self._pools.read()
        load = asyncio.ensure_future(self._load(deadline_s))
        try:
            rows, at_s = await self._read_vms(inventory, deadline_s)
            facts = await self._facts.read(anew=inventory, deadline_s=deadline_s)
            if inventory:
                self._inventory_at = self.clock.now()
            if inventory:
                began_s = self.clock.monotonic()
                await self._pools.wait(_STORAGE_PATIENCE_S)
                self._files.read(self._named())
                await self._files.wait(max(0.0, began_s + _STORAGE_PATIENCE_S - self.clock.monotonic()))
            vms = tuple(self._files.of_vm(self._vm(row, at_s), row[3].files) for row in rows)
            host_load = await load
        finally:
            load.cancel()
        return HostReading(
            host=self.spec.id,
            observed_at=self.clock.now(),
            facts=replace(facts, limits=self.access.limits),
            load=host_load,
            vms=vms,
            pools=self._files.of_pools(),
            inventory_at=self._inventory_at,
            files_trouble=self._files.trouble,
        )

    async def facts(self, *, deadline_s: float) -> HostFacts:
        """Read what the host says of itself."""
        facts = await self._facts.read(anew=True, deadline_s=deadline_s)
        return replace(facts, limits=self.access.limits)

    async def look(self, vm: VmId, *, deadline_s: float) -> VmReading | None:
        """Read one VM afresh."""
        row = await self.query("looking at a VM", lambda connection: self._one(connection, vm), deadline_s=deadline_s)
        return None if row is None else self._files.of_vm(_reading(row, VmUsage()), row[3].files)

    async def look_all(self, vms: Sequence[VmId], *, deadline_s: float) -> Mapping[VmId, VmReading]:
        """Read several VMs afresh, one after another, in one call into libvirt's thread."""

        def look(connection: Connection) -> list[_Row | None]:
            return [self._one(connection, vm) for vm in vms]

        rows = await self.query("looking at VMs", look, deadline_s=deadline_s)
        return {row[0]: self._files.of_vm(_reading(row, VmUsage()), row[3].files) for row in rows if row is not None}

    async def definition(self, vm: VmId, *, with_secrets: bool = False, deadline_s: float) -> str:
        """Return its XML, such as another host would take. Without its secrets a console would have no password."""
        flags = self.libvirt.VIR_DOMAIN_XML_MIGRATABLE
        flags |= self.libvirt.VIR_DOMAIN_XML_SECURE if with_secrets else 0
        text: str = await self.query_vm(
            "reading a definition", vm, lambda domain: domain.XMLDesc(flags), deadline_s=deadline_s
        )
        return text

    async def belongings(self, vm: VmId, *, deadline_s: float) -> Belongings:
        """Tell what lies beside its definition."""
        return await self.query_vm("asking what belongs to it", vm, read_belongings, deadline_s=deadline_s)

    def watch(self, on_event: Callable[[HostEvent], None]) -> None:
        """Tell of changes."""

        def note(event: HostEvent) -> None:
            if event.vm is not None:
                self.learn_again(event.vm)
            on_event(event)

        self._feed = EventFeed(self.channel, note)
        self._starting = asyncio.ensure_future(self._feed.start())

    def learn_again(self, vm: VmId) -> None:
        """Read a VM's definition with the next reading: it has changed, or may have."""
        self._stale.add(vm)
        self._changed.add(vm)

    def close(self) -> None:
        """Let go of what reading keeps open beside the main connection."""
        self._pools.close()
        self._files.close()
        if self._starting is not None:
            self._starting.cancel()

    async def _load(self, deadline_s: float) -> HostLoad:
        try:
            return await self.access.host_load(deadline_s=deadline_s)
        except NovaCronError:
            return HostLoad()  # a broken way shows in the call beside this one

    async def _read_vms(self, inventory: bool, deadline_s: float) -> tuple[list[_Row], float]:
        """Read every VM. What events name meanwhile is for the next reading: this one's thread has a set of its own."""
        stale, self._stale = self._stale, set()
        try:
            rows, at_s, not_learned = await self.query(
                "reading its VMs", lambda connection: self._bulk(connection, stale, inventory), deadline_s=deadline_s
            )
        except BaseException:
            self._stale |= stale
            raise
        self._stale |= not_learned
        return rows, at_s

    def _named(self) -> list[tuple[Sequence[VmDisk], VmFiles]]:
        """Return what each VM's definition names."""
        return [(known.definition.disks, known.files) for known in self._known.values()]

    def _bulk(self, connection: Connection, stale: Set[VmId], inventory: bool) -> tuple[list[_Row], float, set[VmId]]:
        """Runs in a thread: the one call, and definitions of those VMs that changed, for as long as there is time."""
        libvirt = self.libvirt
        groups = libvirt.VIR_DOMAIN_STATS_STATE | libvirt.VIR_DOMAIN_STATS_CPU_TOTAL | libvirt.VIR_DOMAIN_STATS_BALLOON
        groups |= libvirt.VIR_DOMAIN_STATS_VCPU | libvirt.VIR_DOMAIN_STATS_INTERFACE | libvirt.VIR_DOMAIN_STATS_BLOCK
        # NOWAIT: a VM whose QEMU hangs gives less, instead of holding up all others.
        found = connection.getAllDomainStats(groups, libvirt.VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT)
        at_s = self.clock.monotonic()
        rows: list[_Row] = []
        not_learned: set[VmId] = set()
        lists = VmLists(libvirt, connection)
        for domain, stats in found:
            vm = VmId(domain.UUIDString())
            known = self._known.get(vm)
            # libvirt gives a VM an ID as long as it has a process; the binding has it from the list, and asks nobody.
            is_active = stats[statistics.HAS_PROCESS] = domain.ID() != _NO_ID
            if known is None or vm in stale or known.was_active is not is_active or known.job_active:
                if self.clock.monotonic() - at_s > _LEARNING_S:
                    # A host with hundreds of VMs on a long line: the rest is learned with the next readings.
                    not_learned.add(vm)
                    rows.append((vm, domain.name(), stats, self._not_learned(vm, known)))
                    continue
                self._changed.discard(vm)
                try:
                    known = self._learn_listed(domain, lists, is_active=is_active, inventory=inventory)
                except libvirt.libvirtError as error:
                    if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                        continue  # it vanished between two calls
                    self._changed.add(vm)
                    not_learned.add(vm)
                    known = self._not_learned(vm, known)
            rows.append((vm, domain.name(), stats, known))
        self._known = {vm: known for vm, _, _, known in rows}
        self._counters = {vm: counted for vm, counted in self._counters.items() if vm in self._known}
        return rows, at_s, not_learned

    def _learn_listed(
        self,
        domain: Any,  # noqa: ANN401 - libvirt.virDomain
        lists: VmLists,
        *,
        is_active: bool,
        inventory: bool,
    ) -> KnownVm:
        vm = VmId(domain.UUIDString())
        known = learn(
            domain,
            self._known.get(vm),
            is_active=is_active,
            persistent=lists.persistent(vm),
            autostart=lists.autostart(vm),
            has_saved_memory=not is_active and lists.has_saved_memory(vm),
        )
        if not inventory and vm not in self._kept_wanted:
            return known
        self._kept_wanted.discard(vm)
        return with_kept_files(known, domain if lists.keeps_files(vm) else None)

    def _not_learned(self, vm: VmId, known: KnownVm | None) -> KnownVm:
        """Return what is known of a VM that will be learned with a later reading."""
        if known is None or known is NOT_READ or vm not in self._changed:
            return known or NOT_READ
        return replace(known, files=replace(known.files, trouble="it has changed, and is still to be read again"))

    def _one(self, connection: Connection, vm: VmId) -> _Row | None:
        libvirt = self.libvirt
        try:
            domain = connection.lookupByUUIDString(vm)
            state, reason = domain.state()
            is_active = bool(domain.isActive())
            persistent = bool(domain.isPersistent())
            known = learn(
                domain,
                self._known.get(vm),
                is_active=is_active,
                persistent=persistent,
                autostart=persistent and bool(domain.autostart()),
                has_saved_memory=not is_active and bool(domain.hasManagedSaveImage(0)),
            )
            sizes = domain.info()
        except libvirt.libvirtError as error:
            if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                return None
            raise
        stats = {
            "state.state": state,
            "state.reason": reason,
            statistics.HAS_PROCESS: is_active,
            "balloon.maximum": sizes[1],
            "balloon.current": sizes[2],
            "vcpu.current": sizes[3],
        }
        return vm, domain.name(), stats, known

    def _vm(self, row: _Row, at_s: float) -> VmReading:
        vm, _, stats, _ = row
        now = statistics.counters(stats, at_s)
        usage = statistics.usage(stats, self._counters.get(vm), now)
        self._counters[vm] = now
        return _reading(row, usage)


def _reading(row: _Row, usage: VmUsage) -> VmReading:
    vm, name, stats, known = row
    state, reason = statistics.state(stats)
    current, maximum = statistics.memory_mib(stats)
    return VmReading(
        id=vm,
        name=name,
        state=state,
        reason=reason,
        persistent=known.persistent,
        autostart=known.autostart,
        vcpus=int(stats.get("vcpu.current", 0)) or known.definition.size.vcpus,
        vcpus_max=known.definition.size.vcpus_max or None,
        memory_mib=current or known.definition.size.memory_mib,
        memory_max_mib=maximum or known.definition.size.memory_max_mib,
        sizing=known.sizing,
        usage=usage,
        disks=_disks(known, stats),
        nics=_nics(known, stats),
        stored_disks=known.stored_disks,
        stored_nics=known.stored_nics,
        host_devices=known.definition.host_devices,
        on_poweroff=known.definition.on_poweroff,
        on_reboot=known.definition.on_reboot,
        job_active=known.job_active,
        description=known.definition.description,
        serial_problem=known.definition.serial_problem,
        other_devices=known.definition.other_devices,
        is_read=known is not NOT_READ,
    )


def _disks(known: KnownVm, stats: Stats) -> tuple[VmDisk, ...]:
    sizes = statistics.disk_sizes(stats)
    return tuple(
        replace(disk, capacity_mib=sizes[disk.target][0], allocation_mib=sizes[disk.target][1])
        if disk.target in sizes
        else disk
        for disk in known.definition.disks
    )


def _nics(known: KnownVm, stats: Stats) -> tuple[VmNic, ...]:
    links = statistics.nic_links(stats)
    return tuple(
        replace(nic, link=links[index]) if index < len(links) and links[index] else nic
        for index, nic in enumerate(known.definition.nics)
    )
