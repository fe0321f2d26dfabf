"""Waiting before something is tried again."""

from hypothesis import given
from hypothesis import strategies as st

from novacron.model.work.backoff import Backoff

_USUAL = Backoff(first_s=1.0, most_s=30.0)


def test_each_wait_is_twice_the_one_before_up_to_the_longest() -> None:
    waits, backoff = [], _USUAL
    for _ in range(7):
        backoff = backoff.failed()
        waits.append(backoff.wait_s())
    assert waits == [1, 2, 4, 8, 16, 30, 30]


def test_a_success_begins_anew() -> None:
    again = _USUAL.failed().failed().failed().succeeded()
    assert again == _USUAL
    assert again.failed().wait_s() == 1.0


def test_it_is_due_when_its_time_has_passed_and_before_any_failure() -> None:
    assert _USUAL.is_due(0.0)
    failed = _USUAL.failed(now_s=100.0)
    assert not failed.is_due(100.9)
    assert failed.is_due(101.0)
    assert failed.wait_s(100.4) == 101.0 - 100.4
    assert failed.wait_s(200.0) == 0.0


@given(st.floats(0.01, 100), st.floats(0.01, 1e4), st.floats(0, 1), st.integers(0, 3000), st.floats(0, 1))
def test_a_wait_is_never_longer_than_the_longest_nor_shorter_than_its_spread_allows(
    first_s: float, most_s: float, spread: float, failures: int, chance: float
) -> None:
    backoff = Backoff(first_s=first_s, most_s=most_s, spread=spread, failures=failures).failed(chance=chance)
    assert backoff.longest_s * (1 - spread) * 0.999 <= backoff.wait_s() <= backoff.longest_s <= most_s
