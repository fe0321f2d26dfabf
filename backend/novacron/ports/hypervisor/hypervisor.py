"""One connected hypervisor: its roles, each an attribute; and the gateway that connects to one."""

from typing import Protocol

from novacron.model.capability import Capabilities
from novacron.model.host import HostSpec
from novacron.ports.hypervisor.definitions import VmDefiner
from novacron.ports.hypervisor.devices import VmDevices
from novacron.ports.hypervisor.migration import VmMigrator
from novacron.ports.hypervisor.power import VmPower
from novacron.ports.hypervisor.reader import HostReader
from novacron.ports.hypervisor.serial import SerialConsoles
from novacron.ports.hypervisor.storage import HostStorage


class Hypervisor(Protocol):
    """One host, connected."""

    @property
    def spec(self) -> HostSpec:
        """What fleet.toml says of it."""

    @property
    def capabilities(self) -> Capabilities:
        """What it cannot do, and why; as it said when it was connected to."""

    @property
    def reader(self) -> HostReader:
        """Reads what is there."""

    @property
    def power(self) -> VmPower:
        """Changes power states."""

    @property
    def definitions(self) -> VmDefiner:
        """Creates, changes and removes definitions."""

    @property
    def migration(self) -> VmMigrator:
        """Moves running VMs."""

    @property
    def storage(self) -> HostStorage:
        """Acts on pools, volumes and disks."""

    @property
    def devices(self) -> VmDevices:
        """Attaches and detaches disks and network interfaces."""

    @property
    def serial(self) -> SerialConsoles:
        """Opens serial consoles."""

    async def close(self) -> None:
        """Let go at once: pending calls end with LinkLost; never waits for the far side."""


class HypervisorGateway(Protocol):
    """Connects to hypervisors."""

    async def connect(self, spec: HostSpec, *, deadline_s: float) -> Hypervisor:
        """Connect and check that it can be worked with.

        Raises:
            LinkError: it cannot be; with the status, cause and remedy for the host's row.
        """
