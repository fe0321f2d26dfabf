"""The decision table of an interrupted live migration, row by row, and what holds for every pair of looks."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacron.model.plan.migration_outcome import Look, MigrationOutcome, outcome_of
from novacron.model.vm import ACTIVE_STATES, StateReason, VmReading, VmState
from tests.builders import a_vm

SILENT = Look(reachable=False, cause="no answer")
ABSENT = Look(reachable=True)


def look(state: VmState, reason: StateReason = StateReason.NONE, *, job: bool = False) -> Look:
    return Look(reachable=True, vm=a_vm(state=state, reason=reason, job_active=job))


OFF = look(VmState.SHUT_OFF)
RUNS = look(VmState.RUNNING, StateReason.BOOTED)
HELD = look(VmState.PAUSED, StateReason.MIGRATING)
BY_USER = look(VmState.PAUSED, StateReason.USER)

ROWS = {
    "any / unreachable": (RUNS, SILENT, MigrationOutcome.WAIT),
    "unreachable / any": (SILENT, RUNS, MigrationOutcome.WAIT),
    "both unreachable": (SILENT, SILENT, MigrationOutcome.WAIT),
    "running with a job / paused": (
        look(VmState.RUNNING, StateReason.BOOTED, job=True),
        look(VmState.PAUSED, StateReason.MIGRATING, job=True),
        MigrationOutcome.FOLLOW,
    ),
    "switching over": (look(VmState.PAUSED, StateReason.MIGRATING, job=True), HELD, MigrationOutcome.FOLLOW),
    "source gone, destination finishing": (
        ABSENT,
        look(VmState.PAUSED, StateReason.MIGRATING, job=True),
        MigrationOutcome.FOLLOW,
    ),
    "running / absent": (RUNS, ABSENT, MigrationOutcome.ROLLED_BACK),
    "running (migration canceled) / shut off": (
        look(VmState.RUNNING, StateReason.MIGRATION_CANCELED),
        OFF,
        MigrationOutcome.ROLLED_BACK,
    ),
    "running / paused (migrating)": (RUNS, HELD, MigrationOutcome.DESTROY_DESTINATION),
    "running / paused (starting up)": (
        RUNS,
        look(VmState.PAUSED, StateReason.STARTING_UP),
        MigrationOutcome.DESTROY_DESTINATION,
    ),
    "running / paused, its half of the job forgotten": (
        RUNS,
        look(VmState.PAUSED, StateReason.MIGRATING, job=True),
        MigrationOutcome.DESTROY_DESTINATION,
    ),
    "paused (migrating) / running": (HELD, RUNS, MigrationOutcome.DESTROY_SOURCE),
    "paused (migrating) / absent": (HELD, ABSENT, MigrationOutcome.RESUME_SOURCE),
    "paused (migrating) / shut off": (HELD, OFF, MigrationOutcome.RESUME_SOURCE),
    "paused (migrating) / paused (migrating)": (HELD, HELD, MigrationOutcome.DESTROY_DESTINATION),
    "shut off (migrated) / running": (look(VmState.SHUT_OFF, StateReason.MIGRATED), RUNS, MigrationOutcome.DONE),
    "shut off (daemon) / running": (look(VmState.SHUT_OFF, StateReason.DAEMON), RUNS, MigrationOutcome.DONE),
    "shut off (crashed) / running": (look(VmState.SHUT_OFF, StateReason.CRASHED), RUNS, MigrationOutcome.DONE),
    "crashed / running": (look(VmState.CRASHED, StateReason.CRASHED), RUNS, MigrationOutcome.DONE),
    "absent / running": (ABSENT, RUNS, MigrationOutcome.DONE),
    "absent / paused by an I/O error there": (
        ABSENT,
        look(VmState.PAUSED, StateReason.IO_ERROR),
        MigrationOutcome.DONE,
    ),
    "running / running": (RUNS, RUNS, MigrationOutcome.SUSPEND_BOTH),
    "shut off / shut off": (OFF, OFF, MigrationOutcome.DOWN),
    "shut off / absent": (OFF, ABSENT, MigrationOutcome.DOWN),
    "absent / shut off": (ABSENT, OFF, MigrationOutcome.DOWN),
    "absent / absent": (ABSENT, ABSENT, MigrationOutcome.GONE),
    "paused (post-copy failed) / running": (
        look(VmState.PAUSED, StateReason.POSTCOPY_FAILED),
        RUNS,
        MigrationOutcome.POSTCOPY_BROKEN,
    ),
    "paused (post-copy failed) / paused (post-copy failed)": (
        look(VmState.PAUSED, StateReason.POSTCOPY_FAILED),
        look(VmState.PAUSED, StateReason.POSTCOPY_FAILED),
        MigrationOutcome.POSTCOPY_BROKEN,
    ),
    "paused by a user / absent": (BY_USER, ABSENT, MigrationOutcome.ROLLED_BACK),
    "paused by a user / paused (migrating)": (BY_USER, HELD, MigrationOutcome.DESTROY_DESTINATION),
    "paused by a user / running": (BY_USER, RUNS, MigrationOutcome.UNCLEAR),
    "running / paused by a user": (RUNS, BY_USER, MigrationOutcome.UNCLEAR),
    "paused by a user / paused by a user": (BY_USER, BY_USER, MigrationOutcome.UNCLEAR),
    "absent / paused (migrating), no job": (ABSENT, HELD, MigrationOutcome.UNCLEAR),
}


@pytest.mark.parametrize("row", ROWS)
def test_row(row: str) -> None:
    source, destination, verdict = ROWS[row]
    assert outcome_of(source, destination) is verdict


READINGS: list[VmReading | None] = [
    None,
    *(
        a_vm(state=state, reason=reason, job_active=job)
        for state, reason, job in product(VmState, StateReason, (False, True))
    ),
]
LOOKS = st.one_of(st.just(SILENT), st.sampled_from(READINGS).map(lambda reading: Look(reachable=True, vm=reading)))


@given(LOOKS, LOOKS)
def test_every_pair_has_a_verdict_and_silence_allows_none(source: Look, destination: Look) -> None:
    verdict = outcome_of(source, destination)
    assert (verdict is MigrationOutcome.WAIT) == (not (source.reachable and destination.reachable))


@given(LOOKS, LOOKS)
def test_the_source_is_resumed_only_when_nothing_is_active_at_the_destination(source: Look, destination: Look) -> None:
    if outcome_of(source, destination) is MigrationOutcome.RESUME_SOURCE:
        assert destination.reachable
        assert destination.vm is None or destination.vm.state not in ACTIVE_STATES
        assert source.vm is not None
        assert source.vm.state is VmState.PAUSED


@given(LOOKS, LOOKS)
def test_nothing_that_runs_is_ever_destroyed(source: Look, destination: Look) -> None:
    verdict = outcome_of(source, destination)
    victim = {MigrationOutcome.DESTROY_SOURCE: source, MigrationOutcome.DESTROY_DESTINATION: destination}.get(verdict)
    survivor = {MigrationOutcome.DESTROY_SOURCE: destination, MigrationOutcome.DESTROY_DESTINATION: source}.get(verdict)
    if victim is not None and survivor is not None:
        assert victim.vm is not None
        assert victim.vm.state is VmState.PAUSED
        assert survivor.vm is not None
        assert survivor.vm.is_active


@given(LOOKS, LOOKS)
def test_done_means_that_only_the_destination_has_a_process(source: Look, destination: Look) -> None:
    if outcome_of(source, destination) is MigrationOutcome.DONE:
        assert source.vm is None or not source.vm.is_active
        assert destination.vm is not None
        assert destination.vm.is_active
