"""Sizes: what a definition says of them, and how libvirt's own driver keeps what was not asked to change."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from novacron.adapters.libvirt import definition
from novacron.adapters.libvirt.gateway import LibvirtGateway
from novacron.adapters.libvirt.hypervisor import LibvirtHypervisor
from novacron.model.errors import OperationError
from novacron.model.host import HostSpec
from novacron.model.ids import HostId
from novacron.model.vm import VmReading, VmSize, VmSizing
from tests.builders import an_id
from tests.fake_clock import FakeClock

S = 5.0
_ROOMY = """
  <memory unit='KiB'>1048576</memory><currentMemory unit='KiB'>524288</currentMemory>
  <vcpu placement='static' cpuset='0-3' current='2'>8</vcpu>
  <cputune><shares>512</shares><vcpupin vcpu='0' cpuset='0'/><vcpupin vcpu='5' cpuset='1'/></cputune>"""


def _domain(name: str, state: int, more: str = "") -> str:
    return f"""
    <domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
      <test:runstate>{state}</test:runstate>{more}
      <name>{name}</name><uuid>{an_id(name)}</uuid>{_ROOMY}<os><type>hvm</type></os><devices/>
    </domain>"""


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[LibvirtHypervisor]:
    """A host whose VMs have room to grow: one off, one running, one transient."""
    path = tmp_path / "node.xml"
    vms = _domain("off", 5) + _domain("running", 1) + _domain("passing", 1, "<test:transient/>")
    path.write_text(f"<node>{vms}</node>")
    spec = HostSpec(id=HostId("kvm-1"), uri=f"test://{path}")
    hypervisor = await LibvirtGateway(FakeClock()).connect(spec, deadline_s=S)
    yield hypervisor
    await hypervisor.close()


async def _look(host: LibvirtHypervisor, name: str) -> VmReading:
    seen = await host.reader.look(an_id(name), deadline_s=S)
    assert seen is not None
    return seen


async def _stored(host: LibvirtHypervisor, name: str) -> VmSize:
    stored = (await _look(host, name)).sizing.at_next_start
    assert stored is not None
    return stored


@pytest.mark.parametrize(
    ("vcpus", "memory_mib", "after"),
    [
        (3, None, VmSize(vcpus=3, vcpus_max=8, memory_mib=512, memory_max_mib=1024)),
        (8, 1024, VmSize(vcpus=8, vcpus_max=8, memory_mib=1024, memory_max_mib=1024)),
        (None, 256, VmSize(vcpus=2, vcpus_max=8, memory_mib=256, memory_max_mib=1024)),
        (10, 2048, VmSize(vcpus=10, vcpus_max=10, memory_mib=2048, memory_max_mib=2048)),
    ],
)
async def test_a_maximum_stays_where_the_new_figure_fits_and_is_raised_where_not(
    host: LibvirtHypervisor, vcpus: int | None, memory_mib: int | None, after: VmSize
):
    await host.definitions.resize_stored(an_id("off"), vcpus, memory_mib, deadline_s=S)
    assert await _stored(host, "off") == after


async def test_pins_and_shares_outlast_another_size(host: LibvirtHypervisor):
    await host.definitions.resize_stored(an_id("off"), 3, 256, deadline_s=S)
    text = await host.reader.definition(an_id("off"), deadline_s=S)
    for part in ("<shares>512</shares>", "<vcpupin vcpu='0' cpuset='0'/>", "<vcpupin vcpu='5' cpuset='1'/>"):
        assert part in text


async def test_what_a_running_vm_gets_at_its_next_start_is_read_beside_what_it_has(host: LibvirtHypervisor):
    await host.definitions.resize_stored(an_id("running"), 4, 768, deadline_s=S)
    await host.definitions.resize_live(an_id("running"), 3, None, deadline_s=S)
    (read,) = (vm for vm in (await host.reader.read(inventory=True, deadline_s=S)).vms if vm.name == "running")
    for seen in (read, await _look(host, "running")):
        assert (seen.vcpus, seen.vcpus_max, seen.memory_mib) == (3, 8, 512)
        assert (seen.pending_vcpus, seen.pending_memory_mib) == (4, 768)


async def test_a_process_has_no_more_room_than_it_was_started_with(host: LibvirtHypervisor):
    for vcpus, memory_mib in ((9, None), (None, 2048)):
        with pytest.raises(OperationError):
            await host.definitions.resize_live(an_id("running"), vcpus, memory_mib, deadline_s=S)
    seen = await _look(host, "running")
    assert (seen.vcpus, seen.memory_mib) == (2, 512)


async def test_a_transient_vm_stays_transient(host: LibvirtHypervisor):
    with pytest.raises(OperationError):
        await host.definitions.resize_stored(an_id("passing"), 3, None, deadline_s=S)
    await host.definitions.resize_live(an_id("passing"), 3, None, deadline_s=S)
    seen = await _look(host, "passing")
    assert (seen.persistent, seen.vcpus, seen.sizing.at_next_start) == (False, 3, None)


async def test_a_vm_with_saved_memory_is_told_and_not_resized(host: LibvirtHypervisor):
    await host.reader.change_vm("saving it", an_id("running"), lambda domain: domain.managedSave(0), deadline_s=S)
    (read,) = (vm for vm in (await host.reader.read(inventory=True, deadline_s=S)).vms if vm.name == "running")
    assert read.sizing.has_saved_memory
    with pytest.raises(OperationError, match="saved"):
        await host.definitions.resize_stored(an_id("running"), 3, None, deadline_s=S)
    assert (await _stored(host, "running")).vcpus == 2


def _sizing(body: str) -> VmSizing:
    return definition.read(f"<domain type='kvm'><name>x</name>{body}</domain>", "x").sizing


_PLAIN = "<memory unit='MiB'>512</memory><currentMemory unit='MiB'>256</currentMemory><vcpu>4</vcpu>"


@pytest.mark.parametrize(
    ("body", "check"),
    [
        (_PLAIN, lambda sizing: sizing.has_balloon and not sizing.numa_cells and sizing.topology_vcpus is None),
        (
            f"{_PLAIN}<devices><memballoon model='none'/></devices>",
            lambda sizing: not sizing.has_balloon and sizing.at_next_start.memory_mib == 512,
        ),
        (f"{_PLAIN}<devices><memballoon model='virtio'/></devices>", lambda sizing: sizing.has_balloon),
        (
            f"{_PLAIN}<cpu mode='host-model'><topology sockets='1' dies='2' cores='2' threads='1'/></cpu>",
            lambda sizing: sizing.topology_vcpus == 4,
        ),
        (
            f"{_PLAIN}<cpu><numa><cell id='0' cpus='0-1' memory='262144' unit='KiB'/>"
            "<cell id='1' cpus='2-3' memory='262144' unit='KiB'/></numa></cpu>",
            lambda sizing: sizing.numa_cells == 2,
        ),
        (
            "<maxMemory slots='16' unit='GiB'>8</maxMemory><memory unit='GiB'>2</memory><vcpu current='3'>9</vcpu>",
            lambda sizing: sizing.at_next_start == VmSize(vcpus=3, vcpus_max=9, memory_mib=2048, memory_max_mib=2048),
        ),
        (
            "<memory>x</memory><vcpu current='99'>many</vcpu>",
            lambda sizing: sizing.at_next_start == VmSize(vcpus=99, vcpus_max=99, memory_mib=0, memory_max_mib=0),
        ),
    ],
)
def test_a_definition_says_what_it_allows_of_another_size(body: str, check: Callable[[VmSizing], bool]):
    assert check(_sizing(body)), _sizing(body)
