"""The arithmetic of a migration: it ends when it can, says never when it cannot, and its figures add up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacron.adapters.simulated.precopy import Precopy


def _course(
    *,
    memory_mib: float = 1000.0,
    rate_mib_s: float = 100.0,
    dirty_mib_s: float = 10.0,
    working_set_mib: float = 200.0,
    disk_mib: float = 0.0,
    auto_converge: bool = False,
) -> Precopy:
    return Precopy(
        memory_mib=memory_mib,
        rate_mib_s=rate_mib_s,
        dirty_mib_s=dirty_mib_s,
        working_set_mib=working_set_mib,
        disk_mib=disk_mib,
        auto_converge=auto_converge,
    )


def test_an_idle_guest_takes_one_round() -> None:
    assert _course(dirty_mib_s=0.0).ends_at() == pytest.approx(10.0)


def test_a_guest_that_dirties_a_little_takes_some_rounds_more() -> None:
    assert _course().ends_at() == pytest.approx(10.0 + 1.0)


def test_a_guest_that_dirties_faster_than_the_line_carries_never_ends() -> None:
    assert _course(dirty_mib_s=150.0).ends_at() is None


def test_auto_converge_slows_it_until_it_ends() -> None:
    ends_at = _course(dirty_mib_s=150.0, auto_converge=True).ends_at()
    assert ends_at is not None
    assert ends_at > 10.0


def test_a_working_set_that_fits_the_pause_ends_however_fast_it_is_dirtied() -> None:
    assert _course(dirty_mib_s=500.0, working_set_mib=20.0).ends_at() == pytest.approx(10.0)


def test_disks_are_copied_before_memory() -> None:
    course = _course(disk_mib=500.0)
    early, late = course.at(2.0), course.at(7.0)
    assert early.disk_remaining_mib == pytest.approx(300.0)
    assert early.memory_remaining_mib == pytest.approx(1000.0)
    assert late.disk_remaining_mib == pytest.approx(0.0)
    assert late.memory_remaining_mib == pytest.approx(800.0)


def test_one_that_never_ends_shows_a_dirty_rate_above_its_rate_and_goes_on_counting() -> None:
    course = _course(dirty_mib_s=150.0)
    early, late = course.at(60.0), course.at(3600.0)
    assert (early.dirty_rate_mib_s or 0) > (early.rate_mib_s or 0)
    assert (late.iteration or 0) > (early.iteration or 0)
    assert (late.memory_remaining_mib or 0) > 0


@given(
    memory_mib=st.floats(32, 100_000),
    rate_mib_s=st.floats(1, 2000),
    dirty_mib_s=st.floats(0, 3000),
    share=st.floats(0.01, 1.0),
    disk_mib=st.floats(0, 10_000),
    auto_converge=st.booleans(),
    at=st.floats(0, 500),
)
def test_what_remains_is_never_more_than_there_is(
    memory_mib: float,
    rate_mib_s: float,
    dirty_mib_s: float,
    share: float,
    disk_mib: float,
    auto_converge: bool,
    at: float,
) -> None:
    course = _course(
        memory_mib=memory_mib,
        rate_mib_s=rate_mib_s,
        dirty_mib_s=dirty_mib_s,
        working_set_mib=share * memory_mib,
        disk_mib=disk_mib,
        auto_converge=auto_converge,
    )
    job = course.at(at)
    assert 0 <= (job.memory_remaining_mib or 0) <= memory_mib
    assert 0 <= (job.disk_remaining_mib or 0) <= disk_mib
    ends_at = course.ends_at()
    if ends_at is not None:
        left = course.at(ends_at).memory_remaining_mib or 0
        assert left <= rate_mib_s * 0.3 + 0.01 * memory_mib
