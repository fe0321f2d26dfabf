"""One point of a VM's recent past, for plots."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VmSample:
    """A VM's usage at one instant. None: not known then, and drawn as a gap."""

    observed_at: datetime
    cpu_percent: float | None = None
    memory_mib: float | None = None
    disk_b_s: float | None = None
    """Read and written together."""
    net_b_s: float | None = None
    """Received and sent together."""
