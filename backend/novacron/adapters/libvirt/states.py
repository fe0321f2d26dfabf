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
    VmState.CRASHED: {1: StateReason.CRASHED},
}


def state_of(number: int) -> VmState:
    """Return our state; "no state" is what libvirt says of a VM between two states, with a process or not."""
    return _STATES.get(number, VmState.SHUT_OFF)


def reason_of(state: VmState, number: int) -> StateReason:
    """Return our reason; OTHER for one that is newer than this table."""
    if number == 0:
        return StateReason.NONE
    return _REASONS.get(state, {}).get(number, StateReason.OTHER)
