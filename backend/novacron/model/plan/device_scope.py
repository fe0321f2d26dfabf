"""Whether a device is changed in a VM that runs, in its stored definition, or in both."""

from dataclasses import dataclass
from enum import StrEnum

from novacron.model.capability import Capability
from novacron.model.fleet import Sighting
from novacron.model.plan.guards import refuse_state
from novacron.model.refusal import Refusal, RefusalCode


class DeviceScope(StrEnum):
    """When a change of a device takes effect, as an operator asks for it."""

    BOTH = "both"
    """Now where it runs, and at its next start where it has a stored definition."""
    NOW = "now"
    """In the VM that runs alone: gone when it is powered off."""
    NEXT_START = "next-start"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSides:
    """Where a device of one VM is changed."""

    live: bool
    """In its process."""
    stored: bool
    """In its stored definition."""

    def __str__(self) -> str:
        if self.live and self.stored:
            return "now and at its next start"
        return "now, until it is powered off" if self.live else "at its next start"


def sides_of(seen: Sighting, scope: DeviceScope) -> DeviceSides | Refusal:
    """Return where the device is changed, or why it cannot be there."""
    vm = seen.vm
    if scope is DeviceScope.NOW and not vm.is_active:
        return refuse_state(seen, "have a device changed now", "it does not run: change it for its next start")
    if scope is DeviceScope.NEXT_START and not vm.persistent:
        return refuse_state(seen, "have a device changed for its next start", "it is transient: it has none")
    sides = DeviceSides(
        live=vm.is_active and scope is not DeviceScope.NEXT_START,
        stored=vm.persistent and scope is not DeviceScope.NOW,
    )
    reading = seen.host.reading
    reason = reading.facts.capabilities.why_not(Capability.HOTPLUG) if reading and sides.live else ""
    if reason:
        return Refusal(
            code=RefusalCode.INCOMPATIBLE,
            subject=vm.name,
            reason=f"{seen.host.id} cannot {Capability.HOTPLUG}: {reason}",
            remedy=f"ask for {DeviceScope.NEXT_START} alone",
        )
    return sides
