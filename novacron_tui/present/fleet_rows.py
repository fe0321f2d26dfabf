"""Every VM of the fleet as a row, and the counts of the header: taken on from fleet to fleet by what changed.

A host that did not change is the same object in the next fleet. Only the VMs of the others are looked at; a VM that is
the same on the same hosts stays the same object.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from novacron.model.fleet import Fleet, FleetVm, Host, Sighting
from novacron.model.ids import HostId, VmId
from novacron.model.link import LinkStatus
from novacron.model.sighting import join_sightings
from novacron_tui.present.words import vm_word


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The counts in the header."""

    vms: Mapping[str, int] = field(default_factory=dict)
    """VMs by the word for their state, "unknown" being one of them."""
    hosts_up: int = 0
    hosts_asked: int = 0
    """Those not heard from yet: neither up nor down."""
    hosts: int = 0
    hosts_read: int = 0
    """Those that were ever read: where none was, nothing is known of VMs and pools."""
    pools: int = 0


class FleetRows:
    """The VMs of the latest fleet."""

    def __init__(self) -> None:
        self._hosts: Mapping[HostId, Host] = {}
        self._sightings: dict[VmId, dict[HostId, Sighting]] = {}
        self._by_id: dict[VmId, FleetVm] = {}
        self._words: Counter[str] = Counter()
        self.vms: Sequence[FleetVm] = ()
        """Each once; new ones come last, the others keep their order."""
        self.tally = Tally()
        self.joined = 0
        """How many VMs have been made of their sightings so far."""

    def take(self, fleet: Fleet) -> None:
        """Take a newer fleet."""
        touched: dict[VmId, None] = {}
        for host_id, before in self._hosts.items():
            after = fleet.hosts.get(host_id)
            if after is not before:
                self._forget(before, touched)
        for host_id, host in fleet.hosts.items():
            if self._hosts.get(host_id) is not host:
                self._add(host, touched)
        for vm_id in touched:
            self._join(vm_id)
        self._hosts = dict(fleet.hosts)
        if touched:
            self.vms = tuple(self._by_id.values())
        self.tally = self._tally()

    def _forget(self, host: Host, touched: dict[VmId, None]) -> None:
        for vm in host.reading.vms if host.reading is not None else ():
            seen = self._sightings.get(vm.id)
            if seen is not None:
                seen.pop(host.id, None)
                touched[vm.id] = None

    def _add(self, host: Host, touched: dict[VmId, None]) -> None:
        for vm_id, vm in host.reading.by_id.items() if host.reading is not None else ():
            self._sightings.setdefault(vm_id, {})[host.id] = Sighting(host=host, vm=vm)
            touched[vm_id] = None

    def _join(self, vm_id: VmId) -> None:
        before = self._by_id.get(vm_id)
        if before is not None:
            self._words[vm_word(before)] -= 1
        seen = self._sightings[vm_id]
        if not seen:
            del self._sightings[vm_id]
            self._by_id.pop(vm_id, None)
            return
        self.joined += 1
        vm = self._by_id[vm_id] = join_sightings(seen.values())
        self._words[vm_word(vm)] += 1

    def _tally(self) -> Tally:
        hosts = self._hosts.values()
        return Tally(
            vms={word: count for word, count in self._words.items() if count},
            hosts=len(hosts),
            hosts_read=sum(host.reading is not None for host in hosts),
            hosts_up=sum(host.link.is_up for host in hosts),
            hosts_asked=sum(_is_asked(host) for host in hosts),
            pools=sum(len(host.reading.pools) for host in hosts if host.reading),
        )


def _is_asked(host: Host) -> bool:
    return host.reading is None and host.link.status is LinkStatus.CONNECTING and not host.link.attempts
