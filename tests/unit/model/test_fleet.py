"""The fleet's picture follows what is read, in the order in which it is read."""

from dataclasses import replace
from datetime import timedelta

from novacron.engine.samples import Samples
from novacron.model.link import LinkStatus
from novacron.model.vm import VmState
from tests.builders import NOW, a_fleet, a_host, a_link, a_reading, a_vm, an_id
from tests.unit.model.test_alert_rules import holding, watch

_BEFORE = NOW - timedelta(hours=1)


def test_a_reading_counts_also_after_the_clock_was_set_back() -> None:
    fleet = a_fleet(a_host("a", reading=a_reading("a", a_vm("web-1"))))
    later = replace(a_reading("a", a_vm("web-1", state=VmState.SHUT_OFF)), observed_at=_BEFORE)
    after = fleet.with_reading(later, a_link(LinkStatus.UP)).find_vm(an_id("web-1"))
    assert after is not None
    assert after.home.vm.state is VmState.SHUT_OFF


def test_the_past_goes_on_being_recorded_after_the_clock_was_set_back() -> None:
    samples = Samples(window_s=900, interval_s=5)
    samples.record(a_reading("a", a_vm("web-1")))
    samples.record(replace(a_reading("a", a_vm("web-1")), observed_at=_BEFORE))
    assert [sample.observed_at for sample in samples.of(an_id("web-1"))] == [_BEFORE]


def test_a_host_lost_after_the_clock_was_set_back_is_an_alert_in_time() -> None:
    lost = a_link(LinkStatus.STALE, since=_BEFORE)
    fleet = a_fleet(a_host("a", link=lost, reading=a_reading("a")))
    assert holding(watch(fleet, at=-3600 + 10)) != []
