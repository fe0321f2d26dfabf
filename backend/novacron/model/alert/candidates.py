"""What on each host may call for an alert, so that the rules need not ask the whole fleet.

Found again for the hosts that changed alone. A candidate calls for no alert by itself: the rules judge it, and by time
too, so that "unreachable for five seconds" comes true without any news.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from novacron.model.fleet import Fleet, Host
from novacron.model.ids import HostId, VmId
from novacron.model.storage import Pool
from novacron.model.vm import StateReason, VmState

# Looked up once: an enum's members are found slowly, and these are asked for with every VM of every reading.
_CRASHED: Final = VmState.CRASHED
_PANICKED: Final = StateReason.CRASHED
_IO_ERROR: Final = StateReason.IO_ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """What may call for an alert on one host."""

    host: Host
    itself: bool = False
    """Whether the host itself may: it does not answer, or a file system of it is nearly full."""
    pools: tuple[Pool, ...] = ()
    vms: tuple[VmId, ...] = ()

    @property
    def are_any(self) -> bool:
        """Whether there is anything to judge."""
        return self.itself or bool(self.pools) or bool(self.vms)


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetCandidates:
    """The candidates of a fleet."""

    by_host: Mapping[HostId, Candidates] = field(default_factory=lambda: MappingProxyType({}))
    """Of every host, in the order of hosts; also where there are none, so that it is not searched again."""
    any: tuple[Candidates, ...] = ()
    """Of the hosts where there are any."""


NO_CANDIDATES = FleetCandidates()


def find_candidates(fleet: Fleet, before: FleetCandidates, *, fullness: float) -> FleetCandidates:
    """Return the candidates of a fleet; those of a host that is the same object as `before` are taken from there.

    `fullness`, 0.0 to 1.0, is from where on something full may be an alert; the same at every call of a series.
    """
    by_host: dict[HostId, Candidates] = {}
    known = before.by_host
    for host in fleet.hosts.values():
        former = known.get(host.id)
        by_host[host.id] = former if former is not None and former.host is host else _candidates(host, fullness)
    return FleetCandidates(by_host=by_host, any=tuple(one for one in by_host.values() if one.are_any))


def _candidates(host: Host, fullness: float) -> Candidates:
    reading = host.reading
    if reading is None:
        return Candidates(host=host, itself=not host.link.is_up)
    used = reading.load.root_used_fraction
    return Candidates(
        host=host,
        itself=not host.link.is_up or (used is not None and used >= fullness),
        pools=tuple(pool for pool in reading.pools if (pool.used_fraction or 0.0) >= fullness),
        vms=tuple(
            [vm.id for vm in reading.vms if vm.reason is _PANICKED or vm.reason is _IO_ERROR or vm.state is _CRASHED]
        ),
    )
