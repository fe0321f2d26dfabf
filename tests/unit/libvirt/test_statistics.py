"""Bulk statistics, whole and in the pieces that a hanging QEMU, an old libvirt or another driver leave of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacron.adapters.libvirt import statistics
from novacron.model.vm import StateReason, VmState, VmUsage

GIB = 1 << 30
RUNNING: dict[str, Any] = {
    "state.state": 1,
    "state.reason": 1,
    "cpu.time": 5_000_000_000,
    "vcpu.current": 2,
    "balloon.current": 1048576,
    "balloon.maximum": 2097152,
    "balloon.rss": 700 * 1024,
    "balloon.available": 1000 * 1024,
    "balloon.unused": 300 * 1024,
    "balloon.usable": 600 * 1024,
    "block.count": 2,
    "block.0.name": "vda",
    "block.0.rd.bytes": 1000,
    "block.0.wr.bytes": 2000,
    "block.0.capacity": 10 * GIB,
    "block.0.allocation": GIB,
    "block.1.name": "vdb",
    "block.1.rd.bytes": 10,
    "block.1.wr.bytes": 20,
    "net.count": 1,
    "net.0.name": "vnet0",
    "net.0.rx.bytes": 300,
    "net.0.tx.bytes": 400,
}


def _usage(before: dict[str, Any] | None, now: dict[str, Any], seconds: float = 2.0) -> VmUsage:
    then = None if before is None else statistics.counters(before, 100.0)
    return statistics.usage(now, then, statistics.counters(now, 100.0 + seconds))


def test_rates_are_over_the_time_between_two_readings():
    later = RUNNING | {"cpu.time": 8_000_000_000, "block.0.rd.bytes": 3000, "block.1.wr.bytes": 1020}
    usage = _usage(RUNNING, later | {"net.0.rx.bytes": 700, "net.0.tx.bytes": 401})
    assert usage == VmUsage(
        cpu_percent=150.0,
        memory_rss_mib=700,
        memory_used_mib=400,
        disk_read_b_s=1000.0,
        disk_write_b_s=500.0,
        net_rx_b_s=200.0,
        net_tx_b_s=0.5,
    )


def test_a_first_reading_has_no_rates_but_tells_its_memory():
    assert _usage(None, RUNNING) == VmUsage(memory_rss_mib=700, memory_used_mib=400)


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_no_time_between_two_readings_gives_no_rate(seconds):
    usage = _usage(RUNNING, RUNNING, seconds)
    assert (usage.cpu_percent, usage.disk_read_b_s) == (None, None)


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("cpu.time", "cpu_percent"),
        ("block.0.rd.bytes", "disk_read_b_s"),
        ("block.1.wr.bytes", "disk_write_b_s"),
        ("net.0.rx.bytes", "net_rx_b_s"),
        ("net.0.tx.bytes", "net_tx_b_s"),
    ],
)
def test_a_counter_that_went_backwards_gives_no_rate_and_spoils_no_other(key, field):
    usage = _usage(RUNNING, RUNNING | {key: RUNNING[key] - 1})
    rates = ("cpu_percent", "disk_read_b_s", "disk_write_b_s", "net_rx_b_s", "net_tx_b_s")
    assert {name: getattr(usage, name) for name in rates} == {name: None if name == field else 0.0 for name in rates}


def test_one_disk_that_began_anew_is_not_made_up_for_by_another():
    usage = _usage(RUNNING, RUNNING | {"block.0.rd.bytes": 0, "block.1.rd.bytes": 5000})
    assert usage.disk_read_b_s is None


@pytest.mark.parametrize("lost", [".bytes", ""], ids=["its counters", "its devices too"])
def test_what_a_vm_did_while_its_qemu_hung_is_not_taken_for_one_intervals_work(lost):
    """With NOWAIT a hanging QEMU gives names without counters, or nothing."""
    hanging = {
        key: value
        for key, value in RUNNING.items()
        if not (key.startswith(("block.", "net.")) and (not lost or key.endswith(lost)))
    }
    during = _usage(RUNNING, hanging)
    assert (during.disk_read_b_s, during.disk_write_b_s, during.net_rx_b_s, during.net_tx_b_s) == (None,) * 4
    assert during.cpu_percent == 0.0
    after = _usage(hanging, RUNNING)
    assert (after.disk_read_b_s, after.disk_write_b_s, after.net_rx_b_s, after.net_tx_b_s) == (None,) * 4


def test_a_disk_that_was_plugged_in_counts_from_its_second_reading_on():
    more = RUNNING | {"block.count": 3, "block.2.name": "vdc", "block.2.rd.bytes": 10**9, "block.2.wr.bytes": 0}
    assert _usage(RUNNING, more).disk_read_b_s == 0.0
    assert _usage(more, more | {"block.2.rd.bytes": 10**9 + 400}).disk_read_b_s == 200.0


def test_a_drive_that_never_counts_costs_the_others_nothing():
    empty = RUNNING | {"block.count": 3, "block.2.name": "sda"}
    assert _usage(empty, empty | {"block.0.rd.bytes": 1200}).disk_read_b_s == 100.0


def test_a_vm_without_any_disk_or_nic_moves_no_bytes():
    bare = RUNNING | {"block.count": 0, "net.count": 0}
    assert _usage(bare, bare).disk_read_b_s == 0.0
    assert _usage(bare, bare).net_tx_b_s == 0.0


def test_a_driver_that_tells_of_no_devices_tells_no_rate():
    usage = _usage({"state.state": 1}, {"state.state": 1})
    assert usage == VmUsage()


def test_a_count_of_more_disks_than_are_described_ends_at_those():
    assert statistics.disk_sizes(RUNNING | {"block.count": 4})["vda"] == (10240, 1024)
    assert statistics.nic_links(RUNNING | {"net.count": 3}) == ["vnet0", "", ""]
    assert _usage(RUNNING | {"block.count": 4}, RUNNING | {"block.count": 4}).disk_read_b_s == 0.0


def test_a_count_that_no_vm_can_have_is_not_counted_to():
    absurd = {"state.state": 1, "block.count": 2**63, "net.count": -1}
    assert statistics.disk_sizes(absurd) == {}
    assert statistics.nic_links(absurd) == []


def test_a_disk_without_sizes_has_none():
    assert statistics.disk_sizes(RUNNING)["vdb"] == (None, None)


def test_counters_of_64_bits_lose_nothing():
    most = 2**64 - 1
    before = RUNNING | {"block.0.rd.bytes": most - 4, "cpu.time": most - 2_000_000_000}
    now = RUNNING | {"block.0.rd.bytes": most, "cpu.time": most, "block.0.capacity": most}
    assert (_usage(before, now).disk_read_b_s, _usage(before, now).cpu_percent) == (2.0, 100.0)
    assert statistics.disk_sizes(now)["vda"][0] == most >> 20


def test_a_vm_without_a_process_uses_nothing_known():
    assert _usage(RUNNING, RUNNING | {"state.state": 5}) == VmUsage()


def test_the_id_decides_over_a_state_that_says_nothing():
    unsaid = {"state.state": 0, statistics.HAS_PROCESS: False}
    assert statistics.state(unsaid) == (VmState.SHUT_OFF, StateReason.OTHER)
    assert statistics.state(unsaid | {statistics.HAS_PROCESS: True})[0] is VmState.RUNNING


def test_without_any_state_a_vm_is_never_called_shut_off():
    assert statistics.state({})[0] is VmState.RUNNING
    assert statistics.state({"state.state": None})[0] is VmState.RUNNING


@pytest.mark.parametrize(
    ("stats", "current", "maximum"),
    [
        ({"balloon.current": 1048576, "balloon.maximum": 2097152}, 1024, 2048),
        ({"balloon.maximum": 2097152}, 2048, 2048),
        ({"balloon.current": 1048576}, 1024, 1024),
        ({}, 0, 0),
        ({"balloon.current": None}, 0, 0),
    ],
)
def test_memory_is_known_as_far_as_it_was_told(stats, current, maximum):
    assert statistics.memory_mib(stats) == (current, maximum)


@pytest.mark.parametrize(
    ("change", "used"),
    [
        ({}, 400),
        ({"balloon.usable": None}, 700),
        ({"balloon.usable": None, "balloon.unused": None}, None),
        ({"balloon.available": None}, None),
        ({"balloon.usable": 2000 * 1024}, 0),
    ],
)
def test_what_the_guest_uses_is_known_only_with_its_balloon(change, used):
    assert _usage(None, RUNNING | change).memory_used_mib == used


_VALUE = st.none() | st.integers(-(2**64), 2**64) | st.text(max_size=3) | st.booleans()


@given(
    st.dictionaries(st.sampled_from(sorted(RUNNING)), _VALUE), st.dictionaries(st.sampled_from(sorted(RUNNING)), _VALUE)
)
def test_whatever_a_dictionary_holds_it_is_read_and_no_rate_is_negative(before, now):
    statistics.state(now)
    statistics.memory_mib(now)
    statistics.disk_sizes(now)
    statistics.nic_links(now)
    usage = _usage(RUNNING | before, RUNNING | now)
    rates = (usage.cpu_percent, usage.disk_read_b_s, usage.disk_write_b_s, usage.net_rx_b_s, usage.net_tx_b_s)
    assert all(rate is None or rate >= 0 for rate in rates)
