"""The link to a host: whether its readings are current, and if not, why and what to do."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class LinkStatus(StrEnum):
    """The state of the backend's connection to a host. Only UP means that its readings are current."""

    CONNECTING = "connecting"
    UP = "up"
    STALE = "stale"
    """Connected, but it did not answer within its deadline: what is shown is old."""
    UNREACHABLE = "unreachable"
    HOST_KEY_UNKNOWN = "host key unknown"
    HOST_KEY_CHANGED = "host key changed"
    AUTH_REFUSED = "key refused"
    NO_LIBVIRT = "no libvirt"
    NO_PERMISSION = "no permission"
    WRONG_VERSION = "wrong version"
    WRONG_IDENTITY = "wrong identity"
    """Another machine answers at this address, or another entry already names this one."""
    NO_BINDING = "no libvirt library"
    """libvirt-python is missing on the machine that runs the backend."""


NEEDS_PERSON = frozenset(
    {
        LinkStatus.HOST_KEY_UNKNOWN,
        LinkStatus.HOST_KEY_CHANGED,
        LinkStatus.AUTH_REFUSED,
        LinkStatus.NO_LIBVIRT,
        LinkStatus.NO_PERMISSION,
        LinkStatus.WRONG_VERSION,
        LinkStatus.WRONG_IDENTITY,
        LinkStatus.NO_BINDING,
    }
)
"""States that time alone seldom heals: retried, but at most once a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The state of the backend's connection to one host, and since when."""

    status: LinkStatus
    since: datetime
    """When this status began (aware UTC)."""
    cause: str = ""
    """What went wrong, in the far side's words where it gave any; empty when up."""
    remedy: str = ""
    """What the operator can do about it; empty when up."""
    retry_at: datetime | None = None
    """When the next attempt is due; None while one is under way or none is needed."""
    attempts: int = 0
    """Attempts in a row that failed."""

    @property
    def is_up(self) -> bool:
        """Whether readings of this host are current."""
        return self.status is LinkStatus.UP
