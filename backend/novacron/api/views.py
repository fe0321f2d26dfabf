"""The fleet cut another way, for programs that ask for VMs or pools instead of hosts."""

from datetime import datetime

from novacron.api.codec import Wire
from novacron.model.fleet import Fleet, FleetVm, Host
from novacron.model.ids import HostId
from novacron.model.storage import Pool
from novacron.model.vm import VmReading, VmState


class Elsewhere(Wire):
    """Another host on which the same VM is seen."""

    host: HostId
    state: VmState
    current: bool
    """Whether that host answers now."""


class VmEntry(Wire):
    """One VM as shown: as the host that runs it sees it, else as where it was last seen."""

    host: HostId
    current: bool
    """Whether the host answers now; if not, `vm` is what it said last, and not known to be so still."""
    observed_at: datetime
    vm: VmReading
    elsewhere: tuple[Elsewhere, ...] = ()
    """A migration's other end, a left-over definition, or a second copy."""


class PoolEntry(Wire):
    """One storage pool on one host."""

    host: HostId
    current: bool
    observed_at: datetime
    inventory_at: datetime | None
    """When it was last read; pools are read more seldom than VMs."""
    pool: Pool


def vm_entry(vm: FleetVm) -> VmEntry:
    """Return the entry of one VM."""
    reading = vm.home.host.reading
    assert reading is not None  # noqa: S101 - a sighting is taken from a reading
    return VmEntry(
        host=vm.home.host.id,
        current=vm.home.is_current,
        observed_at=reading.observed_at,
        vm=vm.home.vm,
        elsewhere=tuple(
            Elsewhere(host=seen.host.id, state=seen.vm.state, current=seen.is_current) for seen in vm.others
        ),
    )


def pool_entries(fleet: Fleet, host: HostId | None = None) -> list[PoolEntry]:
    """Return every pool, or those of one host, in the order of hosts."""
    return [entry for found in fleet.hosts.values() if host is None or found.id == host for entry in _pools_of(found)]


def _pools_of(host: Host) -> list[PoolEntry]:
    reading = host.reading
    if reading is None:
        return []
    return [
        PoolEntry(
            host=host.id,
            current=host.is_current,
            observed_at=reading.observed_at,
            inventory_at=reading.inventory_at,
            pool=pool,
        )
        for pool in reading.pools
    ]
