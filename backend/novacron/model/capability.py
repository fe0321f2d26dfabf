"""What a host can be asked for only if its hypervisor is able to, and why one is not."""

from dataclasses import dataclass
from enum import StrEnum


class Capability(StrEnum):
    """What not every hypervisor can do."""

    MIGRATE = "migrate a running VM"
    HOTPLUG = "attach or detach a device while the VM runs"
    OPEN_SERIAL_CONSOLE = "open a serial console"
    REVERT_EXTERNAL_SNAPSHOT = "revert to an external snapshot"
    RUN_COMMANDS = "run commands on the host"


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingCapability:
    """Something that a host cannot do."""

    capability: Capability
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What one host cannot do, each with the reason; what is not named it can."""

    missing: tuple[MissingCapability, ...] = ()

    def why_not(self, capability: Capability) -> str:
        """Return why it cannot do that; empty when it can."""
        return next((one.reason for one in self.missing if one.capability is capability), "")
