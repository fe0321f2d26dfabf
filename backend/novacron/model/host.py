"""A hypervisor: how the fleet file names it, and what it says of itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from novacron.model.capability import Capabilities
from novacron.model.ids import HostId, VmId
from novacron.model.storage import Pool
from novacron.model.vm import VmReading
from novacron.model.work.limits import DEFAULT_LIMITS, Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSpec:
    """One host of fleet.toml: exactly one of `uri` and `ssh` is set."""

    id: HostId
    site: str = ""
    uri: str = ""
    """A libvirt URI taken as it is (qemu:///system, test:///default, qemu+tls://…) or simulated://NAME."""
    ssh: str = ""
    """A name or [user@]address[:port] that ssh would take; ~/.ssh/config applies."""
    ssh_config: str = ""
    """Another ssh configuration file than the user's own."""
    socket: str = ""
    """libvirt's socket on the far side; empty: the usual places are tried."""
    peer_uri: str = ""
    """The libvirt URI by which the other hosts' libvirtd reaches this one, for peer-to-peer migration."""
    migration_address: str = ""
    """The address on which the other hosts reach this one's QEMU; empty: libvirt's own choice."""
    labels: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = DEFAULT_LIMITS
    """How many operations of a kind it takes at once."""

    def is_reached_as(self, other: "HostSpec") -> bool:
        """Whether a connection by the other spec is one by this spec: nothing but limits differs."""
        return replace(self, limits=other.limits) == other

    @property
    def address(self) -> str:
        """What the operator wrote, for messages."""
        return self.uri or self.ssh


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """What changes rarely: read on connecting and now and then after."""

    hostname: str
    uuid: str
    """The hypervisor's own UUID: the identity of the machine, whatever address it answers on."""
    cpu_model: str = ""
    cores: int = 0
    memory_mib: int = 0
    libvirt_version: str = ""
    hypervisor_version: str = ""
    """QEMU's version."""
    kernel: str = ""
    networks: tuple[str, ...] = ()
    """Active libvirt networks."""
    domain_types: tuple[str, ...] = ()
    """What it can run: kvm, qemu."""
    limits: tuple[str, ...] = ()
    """What makes work on it wait although it is up, each with what to do about it."""
    capabilities: Capabilities = field(default_factory=Capabilities)
    """What it cannot be asked for, and why."""

    @property
    def default_network(self) -> str:
        """The network a new VM is on when nobody says otherwise; empty where there is none."""
        return self.networks[0] if self.networks else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLoad:
    """The host's own condition at one instant. None: the host could not tell."""

    cpu_percent: float | None = None
    """Of all cores: 0 to 100."""
    load_1m: float | None = None
    memory_used_mib: int | None = None
    pressure_cpu: float | None = None
    """PSI some avg10, percent of time."""
    pressure_memory: float | None = None
    pressure_io: float | None = None
    root_used_fraction: float | None = None
    """How full the fullest file system is that libvirt's state or images live on, 0.0 to 1.0."""
    root_path: str = ""
    """Which file system that is."""


@dataclass(frozen=True, kw_only=True)
class HostReading:
    """Everything one host said at `observed_at`. Replaces the former reading whole."""

    host: HostId
    observed_at: datetime
    """Aware UTC, by the backend's clock, when the answer was complete."""
    facts: HostFacts
    load: HostLoad = HostLoad()
    vms: tuple[VmReading, ...] = ()
    pools: tuple[Pool, ...] = ()
    inventory_at: datetime | None = None
    """When volumes, pools and definitions were last read (slower than the rest)."""
    files_trouble: str = ""
    """Why it was not found out, in that inventory, which files the definitions and volumes name; empty when it was."""

    @property
    def by_id(self) -> Mapping[VmId, VmReading]:
        """Its VMs by UUID; built once for each reading, when first asked for."""
        index: Mapping[VmId, VmReading] | None = self.__dict__.get("_by_id")
        if index is None:
            index = {vm.id: vm for vm in self.vms}
            object.__setattr__(self, "_by_id", index)
        return index
