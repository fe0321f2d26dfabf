"""Fleet values for tests, complete and plausible: a test says only what it is about.

`a_vm(memory_mib=512)` is a running VM in which one thing was chosen. Identities are derived from names, so
two calls with the same name mean the same VM. Everything is a literal value: nothing here reads a clock.
Intents, operations and alerts are in tests/operation_builders.py.
"""
# ruff: noqa: A002 - a builder's parameters are called as the fields they fill.

import uuid
import zlib
from datetime import datetime
from types import MappingProxyType

from novacron.model.files import FileIdentity, FileUse
from novacron.model.fleet import Fleet, Host
from novacron.model.host import HostFacts, HostLoad, HostReading, HostSpec
from novacron.model.ids import HostId, PoolId, VmId
from novacron.model.link import Link, LinkStatus
from novacron.model.storage import Pool, PoolSize, Volume
from novacron.model.vm import StateReason, VmDisk, VmNic, VmReading, VmSize, VmSizing, VmState, VmUsage
from tests.fake_clock import START

NOW = START
"""The instant at which builders observe things."""

_SPACE = uuid.UUID("6f0d3f54-0a52-4b61-9a5c-5d8a0a6f1c01")


def an_id(name: str) -> VmId:
    """Return the UUID that stands for this name in tests."""
    return VmId(str(uuid.uuid5(_SPACE, name)))


def a_vm(
    name: str = "web-1",
    *,
    id: VmId | None = None,
    state: VmState = VmState.RUNNING,
    reason: StateReason | None = None,
    persistent: bool = True,
    autostart: bool = False,
    vcpus: int = 2,
    vcpus_max: int | None = None,
    memory_mib: int = 1024,
    memory_max_mib: int | None = None,
    sizing: VmSizing | None = None,
    usage: VmUsage | None = None,
    disks: tuple[VmDisk, ...] | None = None,
    uses: tuple[FileUse, ...] = (),
    nics: tuple[VmNic, ...] | None = None,
    job_active: bool = False,
    description: str = "",
    other_devices: tuple[str, ...] = (),
    serial_problem: str = "",
) -> VmReading:
    """Return a running VM with one disk and one NIC."""
    running = state is VmState.RUNNING
    size = VmSize(
        vcpus=vcpus,
        vcpus_max=vcpus if vcpus_max is None else vcpus_max,
        memory_mib=memory_mib,
        memory_max_mib=memory_mib if memory_max_mib is None else memory_max_mib,
    )
    usual = {VmState.RUNNING: StateReason.BOOTED, VmState.PAUSED: StateReason.USER}
    return VmReading(
        id=id or an_id(name),
        name=name,
        state=state,
        reason=usual.get(state, StateReason.NONE) if reason is None else reason,
        persistent=persistent,
        autostart=autostart,
        vcpus=size.vcpus,
        vcpus_max=size.vcpus_max,
        memory_mib=size.memory_mib,
        memory_max_mib=size.memory_max_mib,
        sizing=VmSizing(at_next_start=size if persistent else None) if sizing is None else sizing,
        usage=(a_usage() if running else VmUsage()) if usage is None else usage,
        disks=(a_disk(name),) if disks is None else disks,
        uses=uses,
        nics=(a_nic(),) if nics is None else nics,
        job_active=job_active,
        description=description,
        other_devices=other_devices,
        serial_problem=serial_problem,
    )


def a_usage(
    *,
    cpu_percent: float | None = 12.5,
    memory_rss_mib: int | None = 700,
    memory_used_mib: int | None = 512,
    disk_read_b_s: float | None = 1000.0,
    disk_write_b_s: float | None = 2000.0,
    net_rx_b_s: float | None = 3000.0,
    net_tx_b_s: float | None = 4000.0,
) -> VmUsage:
    """Return a usage in which every rate is known."""
    return VmUsage(
        cpu_percent=cpu_percent,
        memory_rss_mib=memory_rss_mib,
        memory_used_mib=memory_used_mib,
        disk_read_b_s=disk_read_b_s,
        disk_write_b_s=disk_write_b_s,
        net_rx_b_s=net_rx_b_s,
        net_tx_b_s=net_tx_b_s,
    )


def a_disk(
    vm_name: str = "web-1",
    *,
    target: str = "vda",
    source: str | None = None,
    format: str = "qcow2",
    capacity_mib: int | None = 10240,
    allocation_mib: int | None = 2048,
    readonly: bool = False,
    shareable: bool = False,
    pool_id: PoolId | None = None,
    kind: str = "disk",
    storage: str = "file",
    protocol: str = "",
    served_by_host: bool = False,
    volume: str = "",
    file: FileIdentity | None = None,
) -> VmDisk:
    """Return a writable qcow2 disk."""
    source = f"/srv/vm/{vm_name}.qcow2" if source is None else source
    return VmDisk(
        target=target,
        source=source,
        file=a_file(source) if file is None and source.startswith("/") else file,
        format=format,
        capacity_mib=capacity_mib,
        allocation_mib=allocation_mib,
        readonly=readonly,
        shareable=shareable,
        pool_id=pool_id,
        kind=kind,
        storage=storage,
        protocol=protocol,
        served_by_host=served_by_host,
        volume=volume,
    )


def a_nic(
    *, mac: str = "52:54:00:00:00:01", network: str = "default", model: str = "virtio", link: str = "vnet0"
) -> VmNic:
    """Return a virtio NIC on the default network."""
    return VmNic(mac=mac, network=network, model=model, link=link)


def a_volume(
    name: str = "web-1.qcow2",
    *,
    path: str | None = None,
    capacity_mib: int = 10240,
    allocation_mib: int = 2048,
    format: str = "qcow2",
    backing_path: str = "",
    file: FileIdentity | None = None,
) -> Volume:
    """Return a qcow2 volume that stands alone."""
    return Volume(
        name=name,
        path=f"/srv/vm/{name}" if path is None else path,
        capacity_mib=capacity_mib,
        allocation_mib=allocation_mib,
        format=format,
        backing_path=backing_path,
        file=a_file(f"/srv/vm/{name}" if path is None else path) if file is None else file,
    )


def a_file(path: str, *, file_system: str = "ext4", device: str = "8:1") -> FileIdentity:
    """Return the identity of the file that is called so, on a file system of the host's own."""
    inode = 1 + zlib.crc32(path.encode(errors="surrogatepass"))
    return FileIdentity(device=device, inode=inode, file_system=file_system)


def a_pool(
    name: str = "vm",
    *,
    kind: str = "dir",
    active: bool = True,
    autostart: bool = True,
    path: str = "/srv/vm",
    capacity_mib: int = 100_000,
    available_mib: int = 60_000,
    volumes: tuple[Volume, ...] = (),
    shared: bool = False,
) -> Pool:
    """Return a pool that is 40 % full; of an inactive one no figure is known."""
    pool = Pool(
        id=PoolId(an_id(f"pool {name}")),
        name=name,
        kind=kind,
        active=active,
        autostart=autostart,
        path=path,
        capacity_mib=capacity_mib,
        allocation_mib=capacity_mib - available_mib,
        available_mib=available_mib,
        volumes=volumes,
        shared=shared,
    )
    return pool if active else pool.of_size(PoolSize())


def a_spec(name: str = "kvm-fra-01", *, site: str = "fra", uri: str = "", ssh: str = "") -> HostSpec:
    """Return the fleet file's word on a host; simulated://NAME unless told otherwise."""
    return HostSpec(id=HostId(name), site=site, uri=uri or ("" if ssh else f"simulated://{name}"), ssh=ssh)


def some_facts(
    name: str = "kvm-fra-01",
    *,
    cores: int = 32,
    memory_mib: int = 131_072,
    networks: tuple[str, ...] = ("default",),
    domain_types: tuple[str, ...] = ("kvm", "qemu"),
) -> HostFacts:
    """Return what a middling host says of itself."""
    return HostFacts(
        hostname=name,
        uuid=an_id(f"host {name}"),
        cpu_model="EPYC-Rome",
        cores=cores,
        memory_mib=memory_mib,
        libvirt_version="9.0.0",
        hypervisor_version="7.2.22",
        kernel="6.1.0-32-amd64",
        networks=networks,
        domain_types=domain_types,
    )


def some_load(*, cpu_percent: float | None = 30.0, root_used_fraction: float | None = 0.4) -> HostLoad:
    """Return the condition of a host at ease."""
    return HostLoad(
        cpu_percent=cpu_percent,
        load_1m=4.2,
        memory_used_mib=65_536,
        pressure_cpu=0.5,
        pressure_memory=0.0,
        pressure_io=1.5,
        root_used_fraction=root_used_fraction,
        root_path="/",
    )


def a_reading(
    host: str = "kvm-fra-01",
    *vms: VmReading,
    observed_at: datetime = NOW,
    facts: HostFacts | None = None,
    load: HostLoad | None = None,
    pools: tuple[Pool, ...] | None = None,
) -> HostReading:
    """Return a reading of a host that has the given VMs, and one pool unless told otherwise."""
    return HostReading(
        host=HostId(host),
        observed_at=observed_at,
        facts=facts or some_facts(host),
        load=load or some_load(),
        vms=vms,
        pools=(a_pool(),) if pools is None else pools,
        inventory_at=observed_at,
    )


def a_link(
    status: LinkStatus = LinkStatus.UP,
    *,
    since: datetime = NOW,
    cause: str = "",
    remedy: str = "",
    retry_at: datetime | None = None,
    attempts: int = 0,
) -> Link:
    """Return a link that is up."""
    return Link(status=status, since=since, cause=cause, remedy=remedy, retry_at=retry_at, attempts=attempts)


def a_host(
    name: str = "kvm-fra-01",
    *vms: VmReading,
    link: Link | LinkStatus = LinkStatus.UP,
    reading: HostReading | None = None,
    never_read: bool = False,
    site: str = "fra",
) -> Host:
    """Return a host that answers and has the given VMs; `never_read` for one that never answered."""
    return Host(
        spec=a_spec(name, site=site),
        link=a_link(link) if isinstance(link, LinkStatus) else link,
        reading=None if never_read else reading or a_reading(name, *vms),
    )


def a_fleet(*hosts: Host, revision: int = 1) -> Fleet:
    """Return a fleet of these hosts; of one with one VM when none is given."""
    chosen = hosts or (a_host("kvm-fra-01", a_vm()),)
    return Fleet(revision=revision, hosts=MappingProxyType({host.id: host for host in chosen}))
