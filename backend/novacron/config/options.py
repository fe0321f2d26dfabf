"""Which fleet a command is about: the global options, and the name that keeps fleets apart."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from novacron.config.paths import config_file, usual_config_file

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
    simulated_vms: int = 15
    """VMs on each simulated host."""
    simulated_churn: float | None = None
    """How many percent of them change each second, in figures or otherwise; None: figures alone, all the time."""

    @property
    def instance(self) -> str:
        """A short name of the fleet: each has its own backend, socket and journal."""
        if self.simulated:
            churn = "" if self.simulated_churn is None else f"-churn{self.simulated_churn:g}"
            return f"simulated-{self.simulated_hosts}x{self.simulated_vms}{churn}"
        if self.connect:
            return f"uri-{_digest(chr(0).join(self.connect))}"
        # By the file itself: a variable that names another one must not lead to the backend of this one.
        file = (self.fleet or config_file()).resolve()
        return DEFAULT_INSTANCE if file == usual_config_file().resolve() else f"file-{_digest(str(file))}"

    def arguments(self) -> list[str]:
        """Return the command-line arguments that say the same."""
        if self.simulated:
            size = ["--simulated", "--simulated-size", f"{self.simulated_hosts}x{self.simulated_vms}"]
            return size if self.simulated_churn is None else [*size, "--simulated-churn", f"{self.simulated_churn:g}"]
        if self.connect:
            return [word for uri in self.connect for word in ("--connect", uri)]
        return ["--fleet", str(self.fleet.resolve())] if self.fleet is not None else []


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
