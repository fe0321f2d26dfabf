"""Which schedules make sense."""

from datetime import datetime, timedelta

import pytest

from novacron.model.work.schedule import AT_ONCE, PRIORITY_MOST, Schedule
from tests.builders import NOW

_HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        (AT_ONCE, ""),
        (Schedule(not_before=NOW - _HOUR), ""),
        (Schedule(not_before=NOW + _HOUR, deadline=NOW + 2 * _HOUR), ""),
        (Schedule(deadline=NOW), "has passed"),
        (Schedule(not_before=NOW + _HOUR, deadline=NOW + _HOUR), "not after"),
        (Schedule(priority=PRIORITY_MOST + 1), "priority"),
        (Schedule(not_before=datetime(2026, 3, 1, 12)), "offset"),  # noqa: DTZ001 - what is refused
    ],
)
def test_what_cannot_be_kept_is_said(schedule: Schedule, problem: str) -> None:
    said = schedule.problem(NOW)
    assert bool(said) is bool(problem)
    assert problem in said
