"""How many operations of a kind a host takes at once."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of one host: the defaults, or what fleet.toml says for the fleet or for the host."""

    migrations_in: int = 2
    """Two fill a 10 GbE line between them; more share it, so that each dirties longer and all end later."""
    migrations_out: int = 2
    """As for those that come in."""
    starts: int = 4
    """A booting guest reads its disk hard: after a power cut a host that starts all at once serves none of them."""
    disk_copies: int = 2
    """Copies write as fast as the storage takes them; beside more than two, running guests wait for their disks."""


DEFAULT_LIMITS: Final = Limits()
