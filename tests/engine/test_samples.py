"""The recent past of VMs: what is kept of it, for how long, and in how many bytes."""

import tracemalloc
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from novacron.engine.samples import Samples
from novacron.model.sample import VmSample
from novacron.model.vm import VmState, VmUsage
from tests.builders import NOW, a_reading, a_vm, an_id

_WINDOW_S, _INTERVAL_S = 900.0, 5.0


def some_samples() -> Samples:
    return Samples(window_s=_WINDOW_S, interval_s=_INTERVAL_S)


def times(samples: Samples) -> list[float]:
    return [(one.observed_at - NOW).total_seconds() for one in samples.of(an_id("web-1"))]


def record(samples: Samples, at_s: float, usage: VmUsage | None = None, state: VmState = VmState.RUNNING) -> None:
    vm = a_vm("web-1", usage=usage, state=state)
    samples.record(a_reading("a", vm, observed_at=NOW + timedelta(seconds=at_s)))


def test_a_sample_has_the_figures_of_its_reading() -> None:
    samples = some_samples()
    usage = VmUsage(cpu_percent=12.5, memory_used_mib=512, disk_read_b_s=1.0, disk_write_b_s=2.0)
    record(samples, 0.125, usage)
    (taken,) = samples.of(an_id("web-1"))
    at = NOW + timedelta(seconds=0.125)
    assert taken == VmSample(observed_at=at, cpu_percent=12.5, memory_mib=512.0, disk_b_s=3.0, net_b_s=None)


def test_a_sample_is_taken_every_interval_and_kept_for_the_window() -> None:
    samples = some_samples()
    for at_s in range(0, 2000, 2):
        record(samples, at_s)
    assert times(samples) == [at_s for at_s in range(0, 2000, 6) if at_s >= 1998 - _WINDOW_S]


def test_a_vm_that_does_not_run_has_a_gap() -> None:
    samples = some_samples()
    for at_s, state in ((0, VmState.RUNNING), (10, VmState.SHUT_OFF), (20, VmState.RUNNING)):
        record(samples, at_s, state=state)
    assert times(samples) == [0, 20]


def test_a_vm_that_was_not_seen_running_for_a_window_is_forgotten() -> None:
    samples = some_samples()
    record(samples, 0)
    record(samples, _WINDOW_S + 61, state=VmState.SHUT_OFF)
    assert samples.of(an_id("web-1")) == ()
    assert not samples._series


def test_the_past_is_right_after_months() -> None:
    samples = some_samples()
    for days in range(0, 200, 20):
        record(samples, days * 86400)
        record(samples, days * 86400 + 10)
        assert times(samples) == [days * 86400, days * 86400 + 10]


@given(st.lists(st.integers(-100, 400) | st.integers(-40 * 86400, 80 * 86400), max_size=40))
def test_after_any_jumps_of_the_clock_samples_are_in_order_apart_and_within_the_window(jumps: list[int]) -> None:
    samples, now_s = some_samples(), 0
    for jump in jumps:
        now_s += jump
        record(samples, now_s)
        told = times(samples)
        assert told == sorted(told)
        assert now_s - told[-1] < _INTERVAL_S
        assert now_s - told[0] <= _WINDOW_S
        assert all(later - earlier >= 4.5 for earlier, later in pairwise(told))


def test_ten_thousand_vms_of_fifteen_minutes_take_less_than_fifty_megabytes() -> None:
    count = 100
    vms = tuple(a_vm(f"web-{at}") for at in range(count))
    samples = some_samples()
    reading = a_reading("a", *vms)
    tracemalloc.start()
    try:
        for at_s in range(0, int(_WINDOW_S) * 2, int(_INTERVAL_S)):
            samples.record(replace(reading, observed_at=NOW + timedelta(seconds=at_s)))
        bytes_taken = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert all(len(samples.of(vm.id)) == 181 for vm in vms)
    assert bytes_taken / count * 10_000 < 50e6
