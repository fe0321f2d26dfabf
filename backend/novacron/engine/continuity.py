"""What a host's new reading takes over from the one before: since when each VM is in its state, and rates that are
missing for a moment.

A hypervisor that is busy with one VM leaves out that VM's counters, and a new connection has none to compare with: a
rate is then shown as it was last measured, for a few seconds. Samples for plots are taken of the reading itself, so a
gap stays a gap there.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from operator import attrgetter
from types import MappingProxyType
from typing import Final, NamedTuple

from novacron.model.host import HostReading
from novacron.model.ids import HostId, VmId
from novacron.model.vm import ACTIVE_STATES, VmReading, VmUsage

USAGE_KEPT_S: Final = 10.0
"""How long a measured rate is shown after the last reading that had it."""
_RATES: Final = tuple(field.name for field in fields(VmUsage))
_all_rates = attrgetter(*_RATES)
_NONE_MISSING: Final[Mapping[str, float]] = MappingProxyType({})


class _Measured(NamedTuple):
    """A VM's usage, and when each of it was measured. A tuple: there is one for each VM of each reading."""

    usage: VmUsage
    at_s: Mapping[str, float]
    """Monotonic time by rate, for those in `usage` that were not measured at the last reading; empty: all were."""
    read_at_s: float


class Continuity:
    """Remembers what was measured last on each host."""

    def __init__(self) -> None:
        self._measured: dict[HostId, dict[VmId, _Measured]] = {}

    def follow(self, before: HostReading | None, reading: HostReading, now_s: float) -> HostReading:
        """Return the reading with what it takes over from the one `before`; `now_s` is monotonic.

        It is the same object when it takes over nothing.
        """
        known: Mapping[VmId, VmReading] = before.by_id if before is not None else {}
        measured = self._measured.get(reading.host, {})
        remembered: dict[VmId, _Measured] = {}
        vms, takes_over = [], False
        for vm in reading.vms:
            seen = vm if before is None else _since(known.get(vm.id), vm, reading)
            if vm.state in ACTIVE_STATES:
                remembered[vm.id] = kept = _bridge(measured.get(vm.id), vm.usage, now_s)
                if kept.usage is not vm.usage:
                    seen = replace(seen, usage=kept.usage)
            takes_over = takes_over or seen is not vm
            vms.append(seen)
        self._measured[reading.host] = remembered
        return replace(reading, vms=tuple(vms)) if takes_over else reading

    def forget_all_but(self, hosts: Mapping[HostId, object]) -> None:
        """Forget hosts that are no longer of the fleet."""
        self._measured = {host: measured for host, measured in self._measured.items() if host in hosts}


def _since(before: VmReading | None, vm: VmReading, reading: HostReading) -> VmReading:
    since = before.state_since if before is not None and before.state is vm.state else reading.observed_at
    return vm if since == vm.state_since else replace(vm, state_since=since)


def _bridge(last: _Measured | None, usage: VmUsage, now_s: float) -> _Measured:
    rates = _all_rates(usage)
    if last is None or None not in rates:
        return _Measured(usage, _NONE_MISSING, now_s)
    missing = [name for name, rate in zip(_RATES, rates, strict=True) if rate is None]
    at_s = {name: last.at_s.get(name, last.read_at_s) for name in missing if getattr(last.usage, name) is not None}
    kept = {name: at for name, at in at_s.items() if now_s - at <= USAGE_KEPT_S}
    if not kept:
        return _Measured(usage, _NONE_MISSING, now_s)
    return _Measured(replace(usage, **{name: getattr(last.usage, name) for name in kept}), kept, now_s)
