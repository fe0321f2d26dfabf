"""Every state and reason libvirt has, and those it may have one day."""

import libvirt
import pytest

from novacron.adapters.libvirt.states import reason_of, state_of
from novacron.model.vm import ACTIVE_STATES, StateReason, VmState

_LAST = "LAST"


def _numbers(prefix: str) -> dict[str, int]:
    return {name: value for name, value in vars(libvirt).items() if name.startswith(prefix) and _LAST not in name}


_STATES = {
    libvirt.VIR_DOMAIN_RUNNING: ("VIR_DOMAIN_RUNNING_", VmState.RUNNING),
    libvirt.VIR_DOMAIN_PAUSED: ("VIR_DOMAIN_PAUSED_", VmState.PAUSED),
    libvirt.VIR_DOMAIN_SHUTDOWN: ("VIR_DOMAIN_SHUTDOWN_", VmState.SHUTTING_DOWN),
    libvirt.VIR_DOMAIN_SHUTOFF: ("VIR_DOMAIN_SHUTOFF_", VmState.SHUT_OFF),
}
_KNOWN_REASONS = [
    (number, name, value)
    for number, (prefix, _) in _STATES.items()
    for name, value in _numbers(prefix).items()
    if not name.startswith("VIR_DOMAIN_SHUTDOWN_")
    or name in ("VIR_DOMAIN_SHUTDOWN_UNKNOWN", "VIR_DOMAIN_SHUTDOWN_USER")
]


def test_the_table_of_reasons_was_read_from_libvirt():
    assert len(_KNOWN_REASONS) > 30


@pytest.mark.parametrize(
    ("number", "state"),
    [
        *((number, state) for number, (_, state) in _STATES.items()),
        (libvirt.VIR_DOMAIN_BLOCKED, VmState.RUNNING),
        (libvirt.VIR_DOMAIN_PMSUSPENDED, VmState.SUSPENDED),
    ],
)
@pytest.mark.parametrize("has_process", [True, False])
def test_a_state_libvirt_is_sure_of_is_taken_as_it_is(number, state, has_process):
    assert state_of(number, has_process=has_process) is state


@pytest.mark.parametrize("number", [libvirt.VIR_DOMAIN_NOSTATE, 8, 99, -1, 2**31])
def test_a_state_that_says_nothing_is_never_shut_off_while_there_is_a_process(number):
    assert state_of(number, has_process=True) in ACTIVE_STATES
    assert state_of(number, has_process=False) is VmState.SHUT_OFF
    assert reason_of(number, 1, has_process=True) is StateReason.OTHER


def test_a_guest_that_panicked_and_was_kept_holds_its_disks():
    kept = libvirt.VIR_DOMAIN_CRASHED
    assert state_of(kept, has_process=True) is VmState.PAUSED
    assert state_of(kept, has_process=False) is VmState.CRASHED
    for has_process in (True, False):
        for reason in (0, libvirt.VIR_DOMAIN_CRASHED_PANICKED, 7):
            assert reason_of(kept, reason, has_process=has_process) is StateReason.CRASHED


@pytest.mark.parametrize(("number", "name", "value"), _KNOWN_REASONS)
def test_every_reason_libvirt_knows_has_a_word_of_ours(number, name, value):
    reason = reason_of(number, value, has_process=True)
    if value == 0:
        assert reason is StateReason.NONE
    elif number != libvirt.VIR_DOMAIN_SHUTDOWN:
        assert reason not in (StateReason.NONE, StateReason.OTHER), f"{name} has no word"


@pytest.mark.parametrize(
    ("state", "reason", "word"),
    [
        ("PAUSED", "PAUSED_IOERROR", StateReason.IO_ERROR),
        ("PAUSED", "PAUSED_POSTCOPY_FAILED", StateReason.POSTCOPY_FAILED),
        ("PAUSED", "PAUSED_MIGRATION", StateReason.MIGRATING),
        ("PAUSED", "PAUSED_STARTING_UP", StateReason.STARTING_UP),
        ("RUNNING", "RUNNING_POSTCOPY", StateReason.POSTCOPY),
        ("RUNNING", "RUNNING_MIGRATION_CANCELED", StateReason.MIGRATION_CANCELED),
        ("RUNNING", "RUNNING_CRASHED", StateReason.CRASHED),
        ("SHUTOFF", "SHUTOFF_MIGRATED", StateReason.MIGRATED),
        ("SHUTOFF", "SHUTOFF_CRASHED", StateReason.CRASHED),
        ("SHUTOFF", "SHUTOFF_DAEMON", StateReason.DAEMON),
    ],
)
def test_reasons_that_decide_something_are_not_mixed_up(state, reason, word):
    numbers = getattr(libvirt, f"VIR_DOMAIN_{state}"), getattr(libvirt, f"VIR_DOMAIN_{reason}")
    assert reason_of(*numbers, has_process=True) is word


def test_a_reason_newer_than_this_machines_libvirt_is_known_all_the_same():
    paused_since_a_resume_failed = 14  # VIR_DOMAIN_PAUSED_API_ERROR, which libvirt 9.0 has not
    assert reason_of(libvirt.VIR_DOMAIN_PAUSED, paused_since_a_resume_failed, has_process=True) is StateReason.API_ERROR


@pytest.mark.parametrize("number", [1, 3, 4, 5])
@pytest.mark.parametrize("reason", [50, -1, 2**31])
def test_a_reason_newer_than_ours_is_another_one(number, reason):
    assert reason_of(number, reason, has_process=True) is StateReason.OTHER
