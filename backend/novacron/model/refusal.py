"""An expected "no": a value, not an error."""

from dataclasses import dataclass
from enum import StrEnum

from novacron.model.ids import HostId


class RefusalCode(StrEnum):
    """Why something may not be done."""

    NOT_FOUND = "not found"
    WRONG_STATE = "wrong state"
    HOST_NOT_CURRENT = "host not current"
    ACTIVE_ELSEWHERE = "active elsewhere"
    UNKNOWN_ELSEWHERE = "unknown elsewhere"
    LOCKED = "locked"
    CHANGED = "changed since you looked"
    INCOMPATIBLE = "incompatible"
    NO_ROOM = "no room"
    DISK_NOT_EXCLUSIVE = "disk not exclusive"
    INVALID = "invalid"
    NAME_TAKEN = "name taken"
    IN_USE = "in use"
    JOURNAL = "journal unavailable"
    TOO_LATE = "too late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an intent may not be carried out now, and what would change that."""

    code: RefusalCode
    subject: str
    """What it is about: a VM, host, pool or field, by name."""
    reason: str
    remedy: str = ""
    vouch_for: tuple[HostId, ...] = ()
    """Hosts that cannot be asked, of which a person may vouch (the intent's `vouched`); empty where none may."""

    def __str__(self) -> str:
        text = f"{self.subject}: {self.reason}"
        return f"{text} ({self.remedy})" if self.remedy else text


def refuse(code: RefusalCode, subject: str, reason: str, remedy: str = "") -> Refusal:
    """Return a refusal that no person's word could lift."""
    return Refusal(code=code, subject=subject, reason=reason, remedy=remedy)


def invalid(subject: str, reason: str, remedy: str = "") -> Refusal:
    """Return the refusal of something that was asked for as it cannot be."""
    return refuse(RefusalCode.INVALID, subject, reason, remedy)
