"""What a live migration has come to, read from both hosts: the decision table of docs, as one function.

Neither a call's return nor a single look decides: a caller acts on a verdict only after two equal looks at
least `LOOKS_APART_S` seconds apart. Nothing here guesses: where a host is silent the only verdict is to wait.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from novacron.model.vm import StateReason, VmReading, VmState

LOOKS_APART_S: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one host says of the VM now."""

    reachable: bool
    vm: VmReading | None = None
    """None while reachable: the host does not know it."""
    cause: str = ""
    """Why it could not be asked."""


class MigrationOutcome(StrEnum):
    """What has happened, and what there is to do."""

    WAIT = "wait: a host does not answer"
    FOLLOW = "follow: the migration is under way"
    DONE = "done: it is at the destination"
    ROLLED_BACK = "rolled back: it stayed at the source"
    DESTROY_SOURCE = "destroy the stale copy at the source"
    DESTROY_DESTINATION = "destroy the copy at the destination that never ran"
    RESUME_SOURCE = "resume at the source: it runs nowhere"
    SUSPEND_BOTH = "suspend both: it runs twice"
    DOWN = "down: it runs nowhere"
    GONE = "gone: neither host knows it"
    POSTCOPY_BROKEN = "its memory is split over both hosts"
    UNCLEAR = "unclear: only a person may decide"


class _Role(StrEnum):
    ABSENT = "absent"
    OFF = "off"
    RUNS = "runs"
    HELD = "held"
    """Paused by the migration: it has not run here yet, or has given its state away."""
    PAUSED = "paused"
    """Paused by somebody, or by an error of its own."""
    SPLIT = "split"
    """A post-copy migration that broke, or has lost its driver."""


_NEVER_RAN_OR_LEFT: Final = frozenset({StateReason.MIGRATING, StateReason.STARTING_UP, StateReason.MIGRATED})


def outcome_of(source: Look, destination: Look) -> MigrationOutcome:
    """Read one pair of looks, taken at about the same time."""
    if not (source.reachable and destination.reachable):
        return MigrationOutcome.WAIT
    here, there = _role(source.vm), _role(destination.vm)
    if _is_under_way(source.vm, destination.vm):
        return MigrationOutcome.FOLLOW
    if _Role.SPLIT in {here, there}:
        return MigrationOutcome.POSTCOPY_BROKEN
    return _TABLE[here, there]


_GONE_OR_OFF: Final = (_Role.ABSENT, _Role.OFF)

_TABLE: Final[dict[tuple[_Role, _Role], MigrationOutcome]] = {
    **{(here, _Role.RUNS): MigrationOutcome.DONE for here in _GONE_OR_OFF},
    # Somebody paused it, or a disk failed, after it had arrived.
    **{(here, _Role.PAUSED): MigrationOutcome.DONE for here in _GONE_OR_OFF},
    # The source is dead and the destination never got to run: only a person knows whether it has all of it.
    **{(here, _Role.HELD): MigrationOutcome.UNCLEAR for here in _GONE_OR_OFF},
    (_Role.OFF, _Role.OFF): MigrationOutcome.DOWN,
    (_Role.OFF, _Role.ABSENT): MigrationOutcome.DOWN,
    (_Role.ABSENT, _Role.OFF): MigrationOutcome.DOWN,
    (_Role.ABSENT, _Role.ABSENT): MigrationOutcome.GONE,
    **{(_Role.RUNS, there): MigrationOutcome.ROLLED_BACK for there in _GONE_OR_OFF},
    (_Role.RUNS, _Role.HELD): MigrationOutcome.DESTROY_DESTINATION,
    (_Role.RUNS, _Role.RUNS): MigrationOutcome.SUSPEND_BOTH,
    # It ran at the destination and was paused there: both have a life of their own.
    (_Role.RUNS, _Role.PAUSED): MigrationOutcome.UNCLEAR,
    **{(_Role.HELD, there): MigrationOutcome.RESUME_SOURCE for there in _GONE_OR_OFF},
    (_Role.HELD, _Role.RUNS): MigrationOutcome.DESTROY_SOURCE,
    # First the copy that never ran; the source is resumed at the next pair of looks, when that one is gone.
    (_Role.HELD, _Role.HELD): MigrationOutcome.DESTROY_DESTINATION,
    (_Role.HELD, _Role.PAUSED): MigrationOutcome.UNCLEAR,
    **{(_Role.PAUSED, there): MigrationOutcome.ROLLED_BACK for there in _GONE_OR_OFF},
    (_Role.PAUSED, _Role.HELD): MigrationOutcome.DESTROY_DESTINATION,
    (_Role.PAUSED, _Role.RUNS): MigrationOutcome.UNCLEAR,
    (_Role.PAUSED, _Role.PAUSED): MigrationOutcome.UNCLEAR,
}


def _role(vm: VmReading | None) -> _Role:
    if vm is None:
        return _Role.ABSENT
    if not vm.is_active:
        return _Role.OFF
    if vm.reason in {StateReason.POSTCOPY_FAILED, StateReason.POSTCOPY}:
        return _Role.SPLIT
    if vm.state is not VmState.PAUSED:
        return _Role.RUNS
    return _Role.HELD if vm.reason in _NEVER_RAN_OR_LEFT else _Role.PAUSED


def _is_under_way(source: VmReading | None, destination: VmReading | None) -> bool:
    """Whether a libvirtd still drives it.

    The source's job counts while it has a process. The destination's counts only when the source has ended:
    a destination whose source forgot the job keeps its half of it for ever.
    """
    if source is not None and source.is_active:
        return source.job_active
    return destination is not None and destination.is_active and destination.job_active
