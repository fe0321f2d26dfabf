"""libvirt's numbers for states and reasons, as ours. Source: virDomainState and its reason enums."""

from collections.abc import Mapping
from typing import Final

from novacron.model.vm import StateReason, VmState

_STATES: Final[Mapping[int, VmState]] = {
    1: VmState.RUNNING,
    2: VmState.RUNNING,  # "blocked" on a resource: Xen's word for a running, idle guest
    3: VmState.PAUSED,
    4: VmState.SHUTTING_DOWN,
    5: VmState.SHUT_OFF,
    6: VmState.CRASHED,
    7: VmState.SUSPENDED,
}
_REASONS: Final[Mapping[VmState, Mapping[int, StateReason]]] = {
    VmState.RUNNING: {
        1: StateReason.BOOTED,
        2: StateReason.MIGRATED,
        3: StateReason.RESTORED,
        4: StateReason.FROM_SNAPSHOT,
        5: StateReason.UNPAUSED,
        6: StateReason.MIGRATION_CANCELED,
        7: StateReason.UNPAUSED,
        8: StateReason.WAKEUP,
        9: StateReason.CRASHED,
        10: StateReason.POSTCOPY,
        11: StateReason.POSTCOPY_FAILED,
    },
    VmState.PAUSED: {
        1: StateReason.USER,
        2: StateReason.MIGRATING,
        3: StateReason.SAVING,
        4: StateReason.DUMPING,
        5: StateReason.IO_ERROR,
        6: StateReason.WATCHDOG,
        7: StateReason.FROM_SNAPSHOT,
        8: StateReason.SHUTTING_DOWN,
        9: StateReason.SNAPSHOT,
        10: StateReason.CRASHED,
        11: StateReason.STARTING_UP,
        12: StateReason.POSTCOPY,
        13: StateReason.POSTCOPY_FAILED,
        14: StateReason.API_ERROR,
    },
    VmState.SHUT_OFF: {
        1: StateReason.SHUTDOWN,
        2: StateReason.DESTROYED,
        3: StateReason.CRASHED,
        4: StateReason.MIGRATED,
        5: StateReason.SAVED,
        6: StateReason.FAILED,
        7: StateReason.FROM_SNAPSHOT,
        8: StateReason.DAEMON,
    },
}
_PANICKED: Final = 6


def state_of(number: int, *, has_process: bool) -> VmState:
    """Return our state. Whether it has a process decides what libvirt's number leaves open.

    "No state" and states newer than this table say nothing: called shut off, a VM's disks could be taken from under
    it. And a guest that panicked may be kept, stopped, for whoever wants to look into it.
    """
    if number == _PANICKED and has_process:
        return VmState.PAUSED
    return _STATES.get(number, VmState.RUNNING if has_process else VmState.SHUT_OFF)


def reason_of(state_number: int, number: int, *, has_process: bool) -> StateReason:
    """Return our reason; OTHER for one that is newer than this table, or of a state that is."""
    if state_number == _PANICKED:
        return StateReason.CRASHED
    if state_number not in _STATES:
        return StateReason.OTHER
    if number == 0:
        return StateReason.NONE
    state = state_of(state_number, has_process=has_process)
    return _REASONS.get(state, {}).get(number, StateReason.OTHER)
