"""Hosts with many VMs, disks named by their pools, and pools whose server may be dead."""

from collections.abc import Sequence

import libvirt
import pytest

from novacron.adapters.libvirt.access import RunResult
from novacron.adapters.libvirt.channel import Channel
from novacron.adapters.libvirt.hanging import HUNG
from novacron.adapters.libvirt.host_files import HostFiles
from novacron.adapters.libvirt.hypervisor import LibvirtHypervisor
from novacron.adapters.libvirt.pool_reader import PoolReader
from novacron.model.errors import DeadlineExceeded
from novacron.model.files import UseKind
from novacron.model.operations.creation import disk_of
from novacron.model.operations.registry import claims_of
from novacron.model.storage import Pool
from tests.builders import a_fleet, a_host, an_id
from tests.fake_clock import FakeClock
from tests.unit.libvirt.test_built_in_driver import S, _intent


class LongLine(FakeClock):
    """A clock by which every call takes a second and a half, as over a very long line."""

    def monotonic(self) -> float:
        """Return the time, and let it pass."""
        self._calls = getattr(self, "_calls", 0) + 1
        return super().monotonic() + 1.5 * self._calls


async def test_a_host_whose_definitions_take_longer_than_a_reading_is_read_all_the_same(host: LibvirtHypervisor):
    host.reader.clock = LongLine()
    first = await host.reader.read(inventory=True, deadline_s=S)
    unread = [vm.name for vm in first.vms if not vm.is_read]
    assert unread
    assert len(first.vms) == 6
    for _ in range(len(first.vms)):
        last = await host.reader.read(inventory=False, deadline_s=S)
    assert all(vm.is_read for vm in last.vms)
    assert {vm.name: vm.persistent for vm in last.vms}["passing"] is False


async def test_a_disk_named_by_pool_and_volume_is_known_by_its_path(host: LibvirtHypervisor):
    host.reader._pools = PoolReader(_Shell(host), host.reader.clock)
    host.reader._files = HostFiles(_Shell(host), host.reader.clock, host.reader._pools)
    path = await host.storage.create_disk(disk_of(_intent()), deadline_s=S)
    name = path.rpartition("/")[2]
    vm = an_id("by-volume")
    await host.definitions.define_xml(
        f"<domain type='test'><name>by-volume</name><uuid>{vm}</uuid><memory>1024</memory><os><type>hvm</type></os>"
        f"<devices><disk type='volume' device='disk'><source pool='vm' volume='{name}'/><target dev='vda'/></disk>"
        "</devices></domain>",
        deadline_s=S,
    )
    reading = await host.reader.read(inventory=True, deadline_s=S)
    (pool,) = reading.pools
    (disk,) = next(one for one in reading.vms if one.id == vm).disks
    assert (disk.source, disk.storage, disk.pool_id) == (path, "file", pool.id)


class _Shell:
    """The host's libvirt, and a shell there that answers as it is told."""

    has_shell = True

    def __init__(self, host: LibvirtHypervisor) -> None:
        self._channel = host.reader.channel
        self.spec = host.reader.spec
        self.folder: bytes | None = b"1.0 1.0\n4096 1000 400\n"
        """None: whoever looks hangs."""
        self.looks = 0

    async def open_channel(self, *, deadline_s: float) -> Channel:
        # Each connection to libvirt's test driver has a world of its own.
        return self._channel

    async def run(self, argv: Sequence[str], *, deadline_s: float, stdin: bytes = b"") -> RunResult:
        if argv[0] == "findmnt":
            return RunResult(exit_status=0, stdout=b"ext4\n", stderr=b"")
        self.looks += 1
        if self.folder is None:
            raise DeadlineExceeded("host", "`sh` did not end")
        return RunResult(exit_status=0 if self.folder else 1, stdout=self.folder, stderr=b"")


@pytest.fixture
def refreshes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which pools libvirt was asked to refresh."""
    asked: list[str] = []
    monkeypatch.setattr(libvirt.virStoragePool, "refresh", lambda pool, _flags=0: asked.append(pool.name()))
    return asked


async def _read(reader: PoolReader) -> Pool:
    reader.read()
    await reader.wait(S)
    (pool,) = reader.latest
    return pool


async def test_a_pool_is_refreshed_only_when_its_folder_changed(host: LibvirtHypervisor, refreshes: list[str]):
    shell = _Shell(host)
    reader = PoolReader(shell, FakeClock())
    for _ in range(3):
        pool = await _read(reader)
    assert refreshes == ["vm"]
    assert (pool.capacity_mib, pool.available_mib, pool.allocation_mib) == (3, 1, 2)
    shell.folder = b"2.0 2.0\n4096 1000 400\n"
    await _read(reader)
    assert refreshes == ["vm", "vm"]


@pytest.mark.parametrize("folder", [b"", None, b"nonsense"])
async def test_a_pool_that_cannot_be_read_is_not_refreshed_since_libvirt_would_stop_it(
    host: LibvirtHypervisor, refreshes: list[str], folder: bytes | None
):
    shell = _Shell(host)
    shell.folder = folder
    reader = PoolReader(shell, FakeClock())
    for _ in range(2):
        pool = await _read(reader)
        assert pool.active
        assert bool(pool.trouble) is (folder != b"nonsense")
    assert refreshes == []
    assert shell.looks == (1 if folder is None else 2), "nobody is sent after one who hangs"


def test_who_hung_is_asked_again_after_ever_longer_pauses():
    hung = HUNG
    assert hung.is_due(0.0)
    for pause_s in (60, 120, 240):
        hung = hung.failed(now_s=1000.0)
        assert not hung.is_due(1000.0 + pause_s - 1)
        assert hung.is_due(1000.0 + pause_s)
    assert hung.succeeded().failed(now_s=0.0).is_due(61.0)


async def test_figures_of_a_folder_that_cannot_be_are_not_known(host: LibvirtHypervisor, refreshes: list[str]):
    shell = _Shell(host)
    shell.folder = b"1.0 1.0\n4096 1000 4000\n"
    pool = await _read(PoolReader(shell, FakeClock()))
    assert (pool.capacity_mib, pool.available_mib, pool.allocation_mib, pool.used_fraction) == (3, None, None, None)


async def test_a_pool_that_is_not_active_has_no_size(host: LibvirtHypervisor, refreshes: list[str]):
    await host.storage.set_pool_active("vm", False, deadline_s=S)
    pool = await _read(PoolReader(_Shell(host), FakeClock()))
    assert (pool.active, pool.capacity_mib, pool.available_mib, pool.allocation_mib) == (False, None, None, None)


async def test_a_vm_that_has_changed_and_was_not_read_again_may_need_anything(host: LibvirtHypervisor):
    vms = {vm.id for vm in (await host.reader.read(inventory=True, deadline_s=S)).vms}
    host.reader._changed, host.reader.clock, in_doubt = set(vms), LongLine(), []
    host.reader._stale = set(vms)
    for _ in range(len(vms) + 1):
        reading = await host.reader.read(inventory=False, deadline_s=S)
        in_doubt.append({vm.id for vm in reading.vms if any(use.kind is UseKind.UNREAD for use in vm.uses)})
        assert in_doubt[-1] == host.reader._changed
    assert in_doubt[0]
    assert not in_doubt[-1]


async def test_a_vm_that_libvirt_refuses_to_describe_is_not_taken_for_none(
    host: LibvirtHypervisor, monkeypatch: pytest.MonkeyPatch
):
    def refuse(domain: libvirt.virDomain, flags: int = 0) -> str:
        raise libvirt.libvirtError("virDomainGetXMLDesc() failed")

    names = {vm.name for vm in (await host.reader.read(inventory=True, deadline_s=S)).vms}
    host.reader._known.clear()
    monkeypatch.setattr(libvirt.virDomain, "XMLDesc", refuse)
    reading = await host.reader.read(inventory=True, deadline_s=S)
    assert {vm.name for vm in reading.vms if not vm.is_read} == names


async def test_files_are_in_doubt_until_the_pools_were_read(host: LibvirtHypervisor):
    shell = _Shell(host)
    pools = PoolReader(shell, FakeClock())
    files = HostFiles(shell, FakeClock(), pools)
    files.read([])
    await files.wait(S)
    assert "pools" in files.trouble
    await _read(pools)
    files.read([])
    await files.wait(S)
    assert files.trouble == ""


async def test_an_operation_holds_the_disk_that_it_will_make(host: LibvirtHypervisor):
    host.reader._pools = PoolReader(_Shell(host), host.reader.clock)
    host.reader._files = HostFiles(_Shell(host), host.reader.clock, host.reader._pools)
    fleet = a_fleet(a_host("kvm-1", reading=await host.reader.read(inventory=True, deadline_s=S)))
    path = await host.storage.create_disk(disk_of(_intent()), deadline_s=S)
    assert f"disk:{path}" in claims_of(_intent(), fleet).holds
