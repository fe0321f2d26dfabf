"""Which fleet a command is about: the global options, and the name that keeps fleets apart."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from novacron.config.paths import config_file

DEFAULT_INSTANCE = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOptions:
    """The global options of a command. With none set, the user's own fleet.toml."""

    fleet: Path | None = None
    """Another fleet.toml."""
    connect: tuple[str, ...] = ()
    """libvirt URIs or ssh names instead of a file."""
    simulated: bool = False
    simulated_hosts: int = 12
    simulated_vms: int = 180

    @property
    def instance(self) -> str:
        """A short name of the fleet: each has its own backend, socket and journal."""
        if self.simulated:
            return f"simulated-{self.simulated_hosts}x{self.simulated_vms}"
        if self.connect:
            return f"uri-{_digest(chr(0).join(self.connect))}"
        if self.fleet is not None and self.fleet.resolve() != config_file().resolve():
            return f"file-{_digest(str(self.fleet.resolve()))}"
        return DEFAULT_INSTANCE

    def arguments(self) -> list[str]:
        """Return the command-line arguments that say the same."""
        if self.simulated:
            return ["--simulated", "--simulated-size", f"{self.simulated_hosts}x{self.simulated_vms}"]
        if self.connect:
            return [word for uri in self.connect for word in ("--connect", uri)]
        return ["--fleet", str(self.fleet.resolve())] if self.fleet is not None else []


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
