"""Progress falls only where more is found out, and never says 1; what does not converge is said so."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from novacron.model.operation import Progress
from novacron.model.plan.forecast import forecast
from novacron.model.vm import JobProgress
from tests.builders import NOW
from tests.operation_builders import a_job

AMOUNT = st.one_of(st.none(), st.floats(min_value=0, max_value=1e7, allow_nan=False))
JOBS = st.builds(
    JobProgress,
    elapsed_s=st.floats(min_value=0, max_value=1e5),
    memory_total_mib=AMOUNT,
    memory_remaining_mib=AMOUNT,
    rate_mib_s=AMOUNT,
    dirty_rate_mib_s=AMOUNT,
    iteration=st.one_of(st.none(), st.integers(min_value=0, max_value=500)),
    disk_total_mib=AMOUNT,
    disk_remaining_mib=AMOUNT,
)


@given(st.lists(JOBS, min_size=1, max_size=30))
def test_the_fraction_falls_only_where_more_is_found_out_and_stays_under_one(jobs: list[JobProgress]) -> None:
    progress = Progress()
    for job in jobs:
        before = progress
        progress = forecast(before, job, NOW)
        first_pass_over = ((before.job.iteration if before.job else None) or 0) <= 1 < (job.iteration or 0)
        if progress.fraction is not None and before.fraction is not None:
            stuck = progress.stuck_since or before.stuck_since
            assert progress.fraction >= before.fraction or stuck or first_pass_over
        assert progress.fraction is None or 0 <= progress.fraction < 1
        assert progress.remaining_s is None or progress.remaining_s >= 0


def test_half_is_half() -> None:
    assert forecast(Progress(), a_job(), NOW).fraction == 0.5


def test_disks_count_too() -> None:
    job = replace(a_job(), disk_total_mib=3072.0, disk_remaining_mib=3072.0)
    assert forecast(Progress(), job, NOW).fraction == 512 / 4096


def test_what_remains_is_the_series_of_shrinking_rounds() -> None:
    remaining_s = forecast(Progress(), a_job(rate_mib_s=100, dirty_rate_mib_s=50), NOW).remaining_s
    assert remaining_s == 512 / 50


def test_a_guest_that_outruns_the_line_does_not_converge() -> None:
    progress = forecast(Progress(), a_job(rate_mib_s=30, dirty_rate_mib_s=40, iteration=5), NOW)
    assert progress.remaining_s is None
    assert progress.note.startswith("does not converge: dirties 40 MiB/s, moves 30 MiB/s")


def test_a_migration_that_is_stuck_shows_what_is_left_and_since_when() -> None:
    job = a_job(memory_remaining_mib=10.0, rate_mib_s=30, dirty_rate_mib_s=40, iteration=4)
    progress = forecast(Progress(fraction=0.99), replace(job, memory_remaining_mib=768.0), NOW)
    assert (progress.fraction, progress.stuck_since) == (0.25, NOW)
    later = forecast(progress, job, NOW + timedelta(seconds=9))
    assert (later.fraction, later.stuck_since) == (0.25, NOW), "the end of a pass is no end"
    paused = forecast(later, replace(job, dirty_rate_mib_s=0.0), NOW)
    assert paused.stuck_since is None
    assert paused.fraction is not None
    assert paused.fraction > 0.25


def test_the_end_of_the_first_pass_is_not_the_end() -> None:
    first = forecast(Progress(), a_job(elapsed_s=10, memory_remaining_mib=1.0), NOW)
    assert first.fraction == 0.99
    second = a_job(elapsed_s=10, memory_remaining_mib=400.0, rate_mib_s=100, dirty_rate_mib_s=60, iteration=2)
    assert forecast(first, second, NOW).fraction == 0.5, "ten seconds are over and ten are left"


def test_the_first_rounds_are_not_judged() -> None:
    assert forecast(Progress(), a_job(rate_mib_s=30, dirty_rate_mib_s=40, iteration=1), NOW).note == ""


def test_figures_that_are_missing_give_no_estimate() -> None:
    progress = forecast(Progress(fraction=0.3), JobProgress(elapsed_s=1.0), NOW)
    assert (progress.fraction, progress.remaining_s) == (0.3, None)
