"""What a contract test runs on: two connected hypervisors that share a pool and a network.

Tests see ports and values only; what is simulated and what is real differs in here and in conftest.py.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from novacron.model.errors import NotFound
from novacron.model.host import HostSpec
from novacron.model.ids import HostId, VmId
from novacron.model.migration import MigrationMode
from novacron.model.operations.creation import CreateVm, definition_of, disk_of
from novacron.model.vm import StateReason, VmReading, VmState
from novacron.ports.clock import Clock
from novacron.ports.hypervisor import Hypervisor, HypervisorGateway, MigrationRequest, SerialLink

DEADLINE_S = 60.0
MIGRATION_S = 240.0
BOOT_S = 180.0
"""An emulated guest boots in eight seconds on a machine that has nothing else to do."""
_UNNAMED = VmId("")


@dataclass(slots=True, kw_only=True)
class HypervisorPair:
    """Two hypervisors, and the names of what both have."""

    gateway: HypervisorGateway
    clock: Clock
    specs: tuple[HostSpec, HostSpec]
    shared_pool: str
    local_pool: str
    base_volume: str
    network: str = "default"
    kernel: str = ""
    initrd: str = ""
    cmdline: str = ""
    """Of a small guest to boot directly; may hold {name}. Empty where a guest needs none."""
    busy_cmdline: str = ""
    """What makes that guest work all day. Others do what their name says."""
    note: bytes
    """Typed on the serial line, it leaves in the guest's memory what does not outlive a reboot."""
    if_noted: bytes
    """Typed there too, it asks whether that is still so."""
    not_noted: bytes
    """The answer of a guest that booted since."""
    a: Hypervisor = field(init=False)
    b: Hypervisor = field(init=False)
    made: list[CreateVm] = field(default_factory=list)
    _opened: list[Hypervisor] = field(default_factory=list)

    async def open(self) -> None:
        """Connect to both."""
        self.a = await self.connect(self.specs[0])
        self.b = await self.connect(self.specs[1])

    async def connect(self, spec: HostSpec) -> Hypervisor:
        """Return one more connection, closed at the end of the test."""
        hypervisor = await self.gateway.connect(spec, deadline_s=DEADLINE_S)
        self._opened.append(hypervisor)
        return hypervisor

    def intent(
        self,
        name: str = "",
        *,
        vm: VmId = _UNNAMED,
        pool: str | None = None,
        network: str | None = None,
        base_volume: str = "",
        memory_mib: int = 128,
        busy: bool = False,
    ) -> CreateVm:
        """Return the intent to make a small VM on the first host; it is taken away after the test."""
        name = name or f"{'build' if busy else 'contract'}-{uuid.uuid4().hex[:8]}"
        intent = CreateVm(
            vm=vm or VmId(str(uuid.uuid4())),
            host=HostId(self.specs[0].id),
            name=name,
            vcpus=1,
            memory_mib=memory_mib,
            pool=self.shared_pool if pool is None else pool,
            disk_mib=64,
            base_volume=base_volume,
            network=self.network if network is None else network,
            kernel=self.kernel,
            initrd=self.initrd,
            cmdline=self.cmdline.format(name=name) + (self.busy_cmdline if busy else ""),
        )
        self.made.append(intent)
        return intent

    async def a_defined_vm(self, intent: CreateVm | None = None) -> CreateVm:
        """Make a VM on the first host and leave it shut off."""
        intent = intent or self.intent()
        path = await self.a.storage.create_disk(disk_of(intent), deadline_s=DEADLINE_S) if intent.pool else ""
        await self.a.definitions.define(definition_of(intent, path), deadline_s=DEADLINE_S)
        return intent

    async def a_running_vm(self, intent: CreateVm | None = None) -> CreateVm:
        """Make a VM on the first host and power it on."""
        intent = await self.a_defined_vm(intent)
        await self.a.power.start(intent.vm, deadline_s=DEADLINE_S)
        return intent

    async def a_booted_vm(self, intent: CreateVm | None = None) -> CreateVm:
        """Make a VM whose guest has come up: it answers on its serial console."""
        intent = await self.a_running_vm(intent)
        link = await self.a.serial.open(intent.vm, force=False, deadline_s=DEADLINE_S)
        try:
            assert await self.hears(link, b"", typing=b"\r", any_of=(b"login:", b"# "))
        finally:
            await link.close()
        return intent

    async def seen(self, hypervisor: Hypervisor, vm: VmId) -> VmReading | None:
        """Look at the VM."""
        return await hypervisor.reader.look(vm, deadline_s=DEADLINE_S)

    async def state(self, hypervisor: Hypervisor, vm: VmId) -> tuple[VmState, StateReason]:
        """Return its state there, where it must be known."""
        reading = await self.seen(hypervisor, vm)
        assert reading is not None
        return reading.state, reading.reason

    async def runs_only_on(self, there: Hypervisor, elsewhere: Hypervisor, vm: VmId) -> bool:
        """Whether it runs on one and has no process on the other."""
        here, other = await self.seen(there, vm), await self.seen(elsewhere, vm)
        runs = here is not None and here.state is VmState.RUNNING
        return runs and (other is None or not other.is_active)

    async def eventually(
        self, what: Callable[[], Awaitable[bool]], *, timeout_s: float = 120.0, every_s: float = 0.1
    ) -> bool:
        """Whether it becomes true in time, by this pair's clock."""
        until = self.clock.monotonic() + timeout_s
        while not await what():
            if self.clock.monotonic() >= until:
                return False
            await self.clock.sleep(every_s)
        return True

    async def hears(
        self,
        link: SerialLink,
        text: bytes,
        *,
        typing: bytes = b"",
        any_of: tuple[bytes, ...] = (),
        timeout_s: float = BOOT_S,
    ) -> bool:
        """Whether the console says it in time; `typing` is sent once a second until then."""
        heard = bytearray()
        wanted = any_of or (text,)
        reader = asyncio.ensure_future(link.read())
        until = self.clock.monotonic() + timeout_s
        second = asyncio.ensure_future(self.clock.sleep(0))
        try:
            while self.clock.monotonic() < until:
                if second.done():
                    if typing:
                        await link.write(typing)
                    second = asyncio.ensure_future(self.clock.sleep(1.0))
                await asyncio.wait({reader, second}, return_when=asyncio.FIRST_COMPLETED)
                if reader.done():
                    arrived = reader.result()
                    heard += arrived
                    if any(one in heard for one in wanted):
                        return True
                    if not arrived:
                        return False
                    reader = asyncio.ensure_future(link.read())
            return False
        finally:
            reader.cancel()
            second.cancel()
            await asyncio.gather(reader, second, return_exceptions=True)

    async def migrate(
        self,
        intent: CreateVm,
        mode: MigrationMode,
        *,
        copy_storage: bool = False,
        bandwidth_mib_s: int | None = None,
    ) -> None:
        """Move the VM from the first host to the second."""
        request = MigrationRequest(vm=intent.vm, mode=mode, copy_storage=copy_storage, bandwidth_mib_s=bandwidth_mib_s)
        await self.a.migration.start(request, self.b, deadline_s=MIGRATION_S)

    async def clean(self) -> None:
        """Take away every VM and disk that was made, wherever it is, and let go."""
        a, b = await self.connect(self.specs[0]), await self.connect(self.specs[1])
        for intent in self.made:
            for hypervisor in (a, b):
                await _take_away(hypervisor, intent, (self.shared_pool, self.local_pool))
        for hypervisor in self._opened:
            await hypervisor.close()


async def _take_away(hypervisor: Hypervisor, intent: CreateVm, pools: tuple[str, ...]) -> None:
    try:
        reading = await hypervisor.reader.look(intent.vm, deadline_s=DEADLINE_S)
        if reading is not None and reading.is_active:
            await hypervisor.power.force_off(intent.vm, deadline_s=DEADLINE_S)
        await hypervisor.definitions.undefine(intent.vm, deadline_s=DEADLINE_S)
        for pool in (await hypervisor.reader.read(inventory=True, deadline_s=DEADLINE_S)).pools:
            for volume in pool.volumes if pool.name in pools else ():
                if intent.name in volume.name:
                    await hypervisor.storage.delete_volume(pool.name, volume.name, deadline_s=DEADLINE_S)
    except NotFound:
        # It went away by itself, as it may after a migration.
        return
