"""Verbs that are to be carried out later: what is waited for, what is refused, and how it is taken back."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from novacron.cli.scheduling import _moment
from novacron.model.errors import ExitCode

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def _running_vm(novacron):
    found = json.loads(novacron("vms", "--json").stdout)
    return next(record["id"] for record in found if record["vm"]["state"] == "running")


def test_a_verb_with_a_time_waits_for_it_is_listed_so_and_is_cancelled(novacron):
    vm = _running_vm(novacron)
    at = (datetime.now(UTC) + timedelta(hours=3)).isoformat()
    accepted = novacron("pause", vm, "--at", at, "--priority", "3", "--yes", "--no-wait", "--json")
    assert accepted.exit_code == ExitCode.OK, accepted.output
    listed = json.loads(novacron("ops", "--json").stdout)
    (waiting,) = [one for one in listed if one["intent"].get("vm") == vm and one["schedule"]["not_before"]]
    assert waiting["schedule"]["priority"] == 3
    assert waiting["progress"]["queued"]["until"]
    row = next(line for line in novacron("ops").stdout.splitlines() if waiting["id"] in line)
    assert "waiting" in row
    cancelled = novacron("cancel", waiting["id"])
    assert cancelled.exit_code == ExitCode.OK, cancelled.output


def test_a_deadline_that_has_passed_is_refused(novacron):
    past = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    refused = novacron("pause", _running_vm(novacron), "--deadline", past, "--yes")
    assert refused.exit_code == ExitCode.REFUSED
    assert "has passed" in refused.output


def test_what_is_no_time_is_an_error_of_the_command_line(novacron):
    wrong = novacron("pause", "any", "--at", "noonish", "--yes")
    assert wrong.exit_code == ExitCode.USAGE
    assert "is no time" in wrong.output


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2026-03-02T08:00+01:00", datetime(2026, 3, 2, 7, 0, tzinfo=UTC)),
        ("2026-03-02T08:00:30Z", datetime(2026, 3, 2, 8, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_time_with_its_offset_is_that_moment(typed, meant):
    assert _moment("--at", typed, NOW) == meant


def test_a_time_of_day_is_the_next_one():
    now = datetime(2026, 3, 1, 12, 0).astimezone()
    assert _moment("--at", "12:30", now) == now + timedelta(minutes=30)
    assert _moment("--at", "11:30:15", now) == now + timedelta(hours=23, minutes=30, seconds=15)
