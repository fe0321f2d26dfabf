"""How much of a host operations may use at once: its limits, and its free memory as last read."""

from novacron.model.host import HostReading
from novacron.model.work.claim import Capacity, Claim
from novacron.model.work.limits import Limits


def limit_of(claim: Claim, limits: Limits, reading: HostReading | None) -> int | None:
    """Return how much of a capacity there is for all operations together; None where there is no limit.

    Memory is limited by what is free on the host as last read, and not at all where that is not known.
    """
    match claim.capacity:
        case Capacity.MIGRATIONS_IN:
            return limits.migrations_in
        case Capacity.MIGRATIONS_OUT:
            return limits.migrations_out
        case Capacity.STARTS:
            return limits.starts
        case Capacity.DISK_COPIES:
            return limits.disk_copies
        case Capacity.MEMORY:
            return free_memory_mib(reading)
        case None:
            return None


def free_memory_mib(reading: HostReading | None) -> int | None:
    """Return what is free on the host by its last reading; None where that is not known."""
    total_mib = total_memory_mib(reading)
    if reading is None or total_mib is None or reading.load.memory_used_mib is None:
        return None
    return max(0, total_mib - reading.load.memory_used_mib)


def total_memory_mib(reading: HostReading | None) -> int | None:
    """Return all the memory the host has; None where that is not known."""
    return reading.facts.memory_mib if reading is not None and reading.facts.memory_mib > 0 else None
