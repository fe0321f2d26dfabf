"""How a migration is asked for, how its progress is read, and how a destination judges; the moves are the lab's."""

import asyncio
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import libvirt
import pytest

from novacron.adapters.libvirt.access import RunResult
from novacron.adapters.libvirt.hypervisor import LibvirtHypervisor
from novacron.adapters.libvirt.local_access import UriAccess
from novacron.adapters.libvirt.migrator import _progress
from novacron.model.errors import OperationError
from novacron.model.host import HostSpec
from novacron.model.ids import HostId
from novacron.model.migration import MigrationMode
from novacron.ports.hypervisor import MigrationRequest
from tests.builders import an_id
from tests.fake_clock import FakeClock

S = 5.0
VM = an_id("web-1")
FAR_CONNECTION = object()


class _Domain:
    """Takes a migration's arguments instead of migrating."""

    def __init__(self, *, persistent: bool = True) -> None:
        self.persistent = persistent
        self.asked: list[tuple[Any, dict[str, Any], int]] = []
        self.downtimes: list[int] = []
        self.refusals = 0

    def isPersistent(self) -> bool:  # noqa: N802 - libvirt's name
        return self.persistent

    def migrateToURI3(self, uri: str, parameters: dict[str, Any], flags: int) -> None:  # noqa: N802 - as above
        self.asked.append((uri, parameters, flags))

    def migrate3(self, connection: object, parameters: dict[str, Any], flags: int) -> None:
        self.asked.append((connection, parameters, flags))

    def migrateSetMaxDowntime(self, milliseconds: int, flags: int) -> None:  # noqa: N802 - as above
        if self.refusals:
            self.refusals -= 1
            raise OperationError("web-1", "no job is active")
        self.downtimes.append(milliseconds)


class _Channel:
    """A channel whose connection knows one domain."""

    def __init__(self, domain: _Domain | None = None, hold: asyncio.Event | None = None) -> None:
        self.connection = FAR_CONNECTION
        self.closed = False
        self._domain, self._hold = domain, hold

    async def call(self, what: str, work: Callable[[Any], Any], **_: object) -> Any:
        if self._hold is not None and what == "migrating it":
            await self._hold.wait()
        return work(SimpleNamespace(lookupByUUIDString=lambda _: self._domain))

    def abort(self) -> None:
        self.closed = True


class _Access(UriAccess):
    """A way to a host with a shell, on which nothing happens but what is noted."""

    has_shell = True

    def __init__(self, spec: HostSpec, channel: _Channel, answers: dict[str, RunResult] | None = None) -> None:
        super().__init__(spec)
        self.channel, self.answers = channel, answers or {}
        self.ran: list[tuple[str, ...]] = []
        self.listened: list[str] = []

    async def open_channel(self, *, deadline_s: float) -> Any:
        return self.channel

    async def run(self, argv: Sequence[str], *, deadline_s: float, stdin: bytes = b"") -> RunResult:
        self.ran.append(tuple(argv))
        return self.answers.get(argv[-1], RunResult(exit_status=0, stdout=b"", stderr=b""))

    async def listen_socket(self, path: str, handler: Any) -> Callable[[], None]:
        self.listened.append(path)
        return lambda: self.listened.remove(path)


def _host(domain: _Domain, clock: FakeClock, **spec: str) -> LibvirtHypervisor:
    named = HostSpec(id=HostId(spec.pop("id", "kvm-1")), ssh="kvm-1", **spec)  # type: ignore[arg-type]
    channel: Any = _Channel(domain)
    return LibvirtHypervisor(named, _Access(named, channel), channel, clock)


def _request(**fields: Any) -> MigrationRequest:
    return MigrationRequest(**{"vm": VM, "mode": MigrationMode.PEER_TO_PEER, "copy_storage": False} | fields)


def _flags(*names: str) -> int:
    return sum(getattr(libvirt, f"VIR_MIGRATE_{name}") for name in names)


async def _move(clock: FakeClock, domain: _Domain, **fields: Any) -> tuple[Any, dict[str, Any], int]:
    source = _host(domain, clock)
    far = _host(domain, clock, id="kvm-2", peer_uri="qemu+ssh://kvm-2/system", migration_address="10.0.0.2")
    await source.migration.start(_request(**fields), far, deadline_s=S)
    (asked,) = domain.asked
    return asked


async def test_peer_to_peer_names_the_destination_as_its_peers_reach_it(clock: FakeClock):
    target, parameters, flags = await _move(clock, _Domain())
    assert target == "qemu+ssh://kvm-2/system"
    assert parameters == {"migrate_uri": "tcp://10.0.0.2"}
    assert flags == _flags("LIVE", "PEER2PEER", "PERSIST_DEST", "UNDEFINE_SOURCE")


async def test_a_direct_migration_goes_over_our_own_connection_to_the_destination(clock: FakeClock):
    target, parameters, flags = await _move(clock, _Domain(), mode=MigrationMode.DIRECT)
    assert target is FAR_CONNECTION
    assert parameters == {"migrate_uri": "tcp://10.0.0.2"}
    assert flags == _flags("LIVE", "PERSIST_DEST", "UNDEFINE_SOURCE")


@pytest.mark.parametrize("copy_storage", [False, True])
async def test_a_relayed_migration_goes_through_sockets_that_are_gone_afterwards(clock: FakeClock, copy_storage):
    domain = _Domain()
    source, far = _host(domain, clock), _host(domain, clock, id="kvm-2")
    await source.migration.start(_request(mode=MigrationMode.RELAYED, copy_storage=copy_storage), far, deadline_s=S)
    ((target, parameters, flags),) = domain.asked
    assert target is FAR_CONNECTION
    assert set(parameters) == ({"migrate_uri", "disks_uri"} if copy_storage else {"migrate_uri"})
    paths = [uri.removeprefix("unix://") for uri in parameters.values()]
    assert all(path.startswith("/var/lib/libvirt/qemu/novacron-") for path in paths)
    assert not flags & _flags("PEER2PEER")
    near_access, far_access = source.access, far.access
    assert isinstance(near_access, _Access)
    assert isinstance(far_access, _Access)
    assert near_access.listened == []
    assert near_access.ran[-1] == far_access.ran[-1] == ("rm", "-f", "--", *paths)


@pytest.mark.parametrize("mode", list(MigrationMode))
async def test_no_mode_ever_asks_for_what_libvirt_calls_unsafe_or_moves_a_paused_copy(clock: FakeClock, mode):
    _, _, flags = await _move(clock, _Domain(), mode=mode, copy_storage=True, auto_converge=True)
    assert not flags & _flags("UNSAFE", "OFFLINE", "PAUSED", "POSTCOPY", "ABORT_ON_ERROR")
    assert flags & _flags("NON_SHARED_DISK")
    assert flags & _flags("AUTO_CONVERGE")
    assert flags & _flags("LIVE")


async def test_a_transient_vm_does_not_become_persistent_by_moving(clock: FakeClock):
    _, _, flags = await _move(clock, _Domain(persistent=False))
    assert not flags & _flags("PERSIST_DEST", "UNDEFINE_SOURCE")


async def test_a_bandwidth_is_passed_on_in_libvirts_own_unit(clock: FakeClock):
    _, parameters, _ = await _move(clock, _Domain(), bandwidth_mib_s=80)
    assert parameters["bandwidth"] == 80


async def test_both_connections_of_a_move_are_let_go(clock: FakeClock):
    domain = _Domain()
    source, far = _host(domain, clock), _host(domain, clock, id="kvm-2")
    await source.migration.start(_request(mode=MigrationMode.DIRECT), far, deadline_s=S)
    assert source.access.channel.closed  # type: ignore[attr-defined]
    assert far.access.channel.closed  # type: ignore[attr-defined]


async def test_a_host_of_another_kind_is_no_destination(clock: FakeClock):
    other: Any = SimpleNamespace(spec=HostSpec(id=HostId("sim-1"), uri="simulated://sim-1"), migration=object())
    with pytest.raises(OperationError, match="sim-1 is not a libvirt host"):
        await _host(_Domain(), clock).migration.start(_request(), other, deadline_s=S)


async def test_the_longest_pause_is_set_as_soon_as_the_job_takes_it(clock: FakeClock):
    domain, running = _Domain(), asyncio.Event()
    domain.refusals = 3
    source = _host(domain, clock)
    source.access.channel = _Channel(domain, running)  # type: ignore[attr-defined]
    request = _request(max_downtime_ms=250)
    moving = asyncio.ensure_future(source.migration.start(request, _host(domain, clock, id="kvm-2"), deadline_s=S))
    await clock.advance(1)
    assert domain.downtimes == [250]
    running.set()
    await moving


# --- progress ----------------------------------------------------------------------------------------------------


def test_progress_is_read_in_mebibytes():
    progress = _progress(
        {
            "type": 2,
            "time_elapsed": 2500,
            "memory_total": 1 << 30,
            "memory_remaining": 1 << 29,
            "memory_bps": 10 << 20,
            "memory_dirty_rate": 512,
            "memory_page_size": 4096,
            "memory_iteration": 3,
            "disk_total": 1 << 40,
            "disk_remaining": 0,
            "downtime": 340,
        }
    )
    assert (progress.elapsed_s, progress.memory_total_mib, progress.memory_remaining_mib) == (2.5, 1024, 512)
    assert (progress.rate_mib_s, progress.dirty_rate_mib_s, progress.iteration) == (10, 2, 3)
    assert (progress.disk_total_mib, progress.disk_remaining_mib, progress.downtime_ms) == (1 << 20, 0, 340)


def test_progress_that_says_little_is_read_as_far_as_it_goes():
    progress = _progress({"type": 2})
    assert progress.elapsed_s == 0
    assert (progress.memory_total_mib, progress.dirty_rate_mib_s, progress.downtime_ms) == (None, None, None)


# --- the destination's judgement ---------------------------------------------------------------------------------

CAPABILITIES = """<capabilities><host><uuid>x</uuid></host><guest><os_type>hvm</os_type><arch name='x86_64'>
<machine>q35</machine><machine>pc-q35-7.2</machine><domain type='qemu'/></arch></guest></capabilities>"""


class _Destination:
    """As much of a libvirt connection as judging takes."""

    def __init__(self, compared: int | None = None) -> None:
        self.compared = compared
        self.asked_cpu: tuple[str, str, int] | None = None

    def getCapabilities(self) -> str:  # noqa: N802 - libvirt's names, here and below
        return CAPABILITIES

    def listAllNetworks(self, flags: int) -> list[Any]:  # noqa: N802
        assert flags == libvirt.VIR_CONNECT_LIST_NETWORKS_ACTIVE
        return [SimpleNamespace(name=lambda: "lan")]

    def getMemoryStats(self, cell: int, flags: int) -> dict[str, int]:  # noqa: N802
        return {"total": 8 << 20, "free": 1 << 20, "cached": 1 << 20}

    def lookupByName(self, name: str) -> Any:  # noqa: N802
        if name == "taken":
            return SimpleNamespace(UUIDString=lambda: "other")
        raise _error(libvirt.VIR_ERR_NO_DOMAIN)

    def compareHypervisorCPU(self, emulator, arch, machine, kind: str, cpu: str, flags: int) -> int:  # noqa: N802
        self.asked_cpu = kind, cpu, flags
        if self.compared is not None:
            raise _error(self.compared)
        return 2


def _error(code: int) -> libvirt.libvirtError:
    error = libvirt.libvirtError("")
    error.err = (code, libvirt.VIR_FROM_CPU, "missing features: avx512f", 2, None, None, None, -1, -1)
    return error


def _guest(inside: str = "", *, kind: str = "qemu", name: str = "web-1", machine: str = "pc-q35-7.2") -> str:
    head = f"<domain type='{kind}'><name>{name}</name><uuid>{VM}</uuid>"
    return f"{head}<os><type machine='{machine}'>hvm</type></os>{inside}</domain>"


async def _fit(clock: FakeClock, definition: str, destination: _Destination, **answers: int) -> Any:
    host = _host(_Domain(), clock)

    class _There(_Channel):
        async def call(self, what: str, work: Callable[[Any], Any], **_: object) -> Any:
            return work(destination)

    host.migration.channel = _There()  # type: ignore[assignment]
    results = {path: RunResult(exit_status=status, stdout=b"", stderr=b"") for path, status in answers.items()}
    host.access.answers = results  # type: ignore[attr-defined]
    return await host.migration.preflight(definition, deadline_s=S)


CPU = "<cpu mode='custom'><model>Skylake-Client</model></cpu>"


@pytest.mark.parametrize(
    ("compared", "compatible", "detail"),
    [
        (None, True, ""),
        (libvirt.VIR_ERR_CPU_INCOMPATIBLE, False, "missing features: avx512f"),
        (libvirt.VIR_ERR_NO_SUPPORT, None, "missing features: avx512f"),
        (libvirt.VIR_ERR_INTERNAL_ERROR, None, "missing features: avx512f"),
    ],
)
async def test_a_cpu_is_incompatible_only_when_libvirt_says_that_it_is(clock, compared, compatible, detail):
    destination = _Destination(compared)
    fit = await _fit(clock, _guest(CPU), destination)
    assert (fit.cpu_compatible, fit.cpu_detail) == (compatible, detail)
    assert destination.asked_cpu is not None
    kind, cpu, flags = destination.asked_cpu
    assert (kind, "Skylake-Client" in cpu) == ("qemu", True)
    assert flags == libvirt.VIR_CONNECT_COMPARE_CPU_FAIL_INCOMPATIBLE


@pytest.mark.parametrize("definition", [_guest(), _guest("<cpu mode='host-passthrough'/>"), _guest(CPU, kind="xen")])
async def test_a_cpu_without_a_model_is_not_compared(clock, definition):
    destination = _Destination()
    assert (await _fit(clock, definition, destination)).cpu_compatible is None
    assert destination.asked_cpu is None


@pytest.mark.parametrize(("kind", "supported"), [("qemu", True), ("kvm", False), ("xen", None)])
async def test_a_kind_of_domain_must_be_among_the_capabilities(clock, kind, supported):
    assert (await _fit(clock, _guest(kind=kind), _Destination())).domain_type_supported is supported


@pytest.mark.parametrize(("machine", "supported"), [("pc-q35-7.2", True), ("pc-q35-9.9", False), ("", None)])
async def test_a_machine_type_must_be_among_the_capabilities(clock, machine, supported):
    fit = await _fit(clock, _guest(machine=machine), _Destination())
    assert (fit.machine_supported, fit.machine) == (supported, machine)


async def test_networks_bridges_and_kernels_that_are_missing_are_named(clock):
    devices = """<devices><interface type='network'><source network='lan'/></interface>
    <interface type='network'><source network='dmz'/></interface>
    <interface type='bridge'><source bridge='br0'/></interface>
    <interface type='bridge'><source bridge='br1'/></interface>
    <interface type='network'/></devices><os><kernel>/boot/k</kernel></os>"""
    definition = f"<domain type='qemu'><name>web-1</name><uuid>{VM}</uuid>{devices}</domain>"
    fit = await _fit(clock, definition, _Destination(), **{"/sys/class/net/br1": 1, "/boot/k": 1})
    assert fit.missing_networks == ("dmz", "br1")
    assert fit.kernel_visible is False
    assert (await _fit(clock, definition, _Destination())).kernel_visible is True


@pytest.mark.parametrize(("name", "taken"), [("web-1", False), ("taken", True)])
async def test_a_name_is_taken_only_by_another_vm(clock, name, taken):
    fit = await _fit(clock, _guest(name=name), _Destination())
    assert (fit.name_taken, fit.memory_free_mib) == (taken, 2048)


@pytest.mark.parametrize(
    ("said", "visible", "lock_seen", "file_system", "free_mib", "detail"),
    [
        (b"visible\ntype ext4\nfree 2048\nunlocked\n", True, False, "ext4", 2, ""),
        (b"visible\ntype nfs4\nfree 2048\nlocked\n", True, True, "nfs4", 2, ""),
        (b"visible\ntype ext4\nfree 2048\nsaid broken image\n", True, None, "ext4", 2, "broken image"),
        (b"visible\ntype ext4\nfree \nno qemu-img\n", True, None, "ext4", None, "qemu-img is not installed there"),
        (b"type ext4\nfree 1024\n", False, None, "ext4", 1, ""),
        (b"type \nfree -\n", False, None, "", None, ""),
        (b"", False, None, "", None, ""),
        (b"\xff\xfe\n", False, None, "", None, ""),
    ],
)
async def test_a_disk_is_judged_by_what_the_destination_could_say(
    clock, said, visible, lock_seen, file_system, free_mib, detail
):
    host = _host(_Domain(), clock)
    host.access.answers = {"/vm/a": RunResult(exit_status=0, stdout=said, stderr=b"")}  # type: ignore[attr-defined]
    (probe,) = await host.storage.probe_disks(("/vm/a",), deadline_s=S)
    assert (probe.visible, probe.lock_seen, probe.file_system) == (visible, lock_seen, file_system)
    assert (probe.free_mib, probe.detail) == (free_mib, detail)


async def test_what_is_no_path_is_not_looked_at(clock):
    host = _host(_Domain(), clock)
    (probe,) = await host.storage.probe_disks(("pool/image",), deadline_s=S)
    assert (probe.visible, "not a path" in probe.detail) == (False, True)
    assert host.access.ran == []  # type: ignore[attr-defined]
