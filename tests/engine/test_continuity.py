"""What a reading takes over from the one before: since when a state holds, and rates that are missing for a moment."""

from dataclasses import replace
from datetime import datetime, timedelta

from novacron.engine.continuity import USAGE_KEPT_S, Continuity
from novacron.model.host import HostReading
from novacron.model.vm import VmReading, VmState, VmUsage
from tests.builders import NOW, a_reading, a_usage, a_vm

_OFF = VmState.SHUT_OFF


class _Host:
    """One host that is read every two seconds."""

    def __init__(self) -> None:
        self._continuity = Continuity()
        self.seconds = 0.0
        self.last: HostReading | None = None

    def read(self, *vms: VmReading, after_s: float = 2.0) -> VmReading:
        """Return the first VM as it is shown after this reading."""
        self.seconds += after_s
        reading = replace(a_reading("a", *vms), observed_at=self.now)
        self.last = self._continuity.follow(self.last, reading, self.seconds)
        return self.last.vms[0]

    @property
    def now(self) -> datetime:
        """When the last reading was."""
        return NOW + timedelta(seconds=self.seconds)


def test_a_change_of_state_is_dated_by_the_reading_that_showed_it_first() -> None:
    host = _Host()
    assert host.read(a_vm()).state_since is None, "it ran already when it was seen first"
    assert host.read(a_vm()).state_since is None
    off = host.read(a_vm(state=_OFF)).state_since
    assert off == host.now
    assert host.read(a_vm(state=_OFF)).state_since == off
    assert host.read(a_vm()).state_since == host.now


def test_a_vm_that_appears_is_in_its_state_since_then() -> None:
    host = _Host()
    host.read(a_vm("other"))
    assert host.read(a_vm("new"), a_vm("other")).state_since == host.now


def test_rates_that_one_reading_lacks_are_shown_as_they_were_measured_last() -> None:
    host = _Host()
    busy = a_usage(cpu_percent=None, disk_read_b_s=None, memory_used_mib=None)
    host.read(a_vm(usage=a_usage(cpu_percent=70.0)))
    assert host.read(a_vm(usage=busy)).usage == a_usage(cpu_percent=70.0)
    assert host.read(a_vm(usage=a_usage(cpu_percent=20.0))).usage.cpu_percent == 20.0


def test_rates_that_stay_missing_are_unknown_before_long() -> None:
    host = _Host()
    host.read(a_vm(usage=a_usage()))
    shown = [host.read(a_vm(usage=VmUsage(memory_rss_mib=700))).usage.cpu_percent for _ in range(8)]
    kept = int(USAGE_KEPT_S / 2)
    assert shown == [a_usage().cpu_percent] * kept + [None] * (8 - kept)
    assert host.read(a_vm(usage=VmUsage(memory_rss_mib=700))).usage.memory_rss_mib == 700


def test_a_vm_that_was_off_in_between_begins_without_rates() -> None:
    host = _Host()
    host.read(a_vm(usage=a_usage()))
    assert host.read(a_vm(state=_OFF)).usage == VmUsage()
    assert host.read(a_vm(usage=VmUsage())).usage == VmUsage()


def test_a_rate_that_was_never_measured_is_never_made_up() -> None:
    host = _Host()
    for _ in range(3):
        assert host.read(a_vm(usage=a_usage(memory_used_mib=None))).usage.memory_used_mib is None
