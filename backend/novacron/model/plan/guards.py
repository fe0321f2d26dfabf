"""The questions every plan asks first: is it there, does its host answer, is it active or unknown elsewhere."""

from novacron.model.fleet import Fleet, Host, Sighting
from novacron.model.ids import HostId, VmId
from novacron.model.refusal import Refusal, RefusalCode


def find_host(fleet: Fleet, host_id: HostId) -> Host | Refusal:
    """Return a host that answers now, or why it cannot be worked with."""
    host = fleet.hosts.get(host_id)
    if host is None:
        return Refusal(
            code=RefusalCode.NOT_FOUND,
            subject=host_id,
            reason="no host of this name is in the fleet",
            remedy="see: novacron hosts",
        )
    if not host.is_current:
        return Refusal(
            code=RefusalCode.HOST_NOT_CURRENT,
            subject=host_id,
            reason=f"it is {host.link.status}: {host.link.cause or 'not read yet'}",
            remedy=host.link.remedy or "wait until it answers, or reconnect it",
        )
    return host


def find_vm(fleet: Fleet, vm_id: VmId, host_id: HostId) -> Sighting | Refusal:
    """Return how `host_id` sees the VM now, or why that cannot be said."""
    host = find_host(fleet, host_id)
    if isinstance(host, Refusal):
        return host
    sighting = fleet.sighting(vm_id, host_id)
    if sighting is not None and not sighting.vm.is_read:
        return Refusal(
            code=RefusalCode.HOST_NOT_CURRENT,
            subject=sighting.vm.name,
            reason=f"what it has is still being read from {host_id}",
            remedy="try again in a few seconds",
        )
    if sighting is not None:
        return sighting
    elsewhere = fleet.find_vm(vm_id)
    if elsewhere is None:
        return Refusal(
            code=RefusalCode.NOT_FOUND,
            subject=vm_id,
            reason=f"{host_id} does not know this VM",
            remedy="it was deleted or has moved out of the fleet; look again",
        )
    return Refusal(
        code=RefusalCode.CHANGED,
        subject=elsewhere.home.vm.name,
        reason=f"it is on {elsewhere.home.host.id} now, not on {host_id}",
        remedy="look again",
    )


def refuse_elsewhere(fleet: Fleet, sighting: Sighting) -> Refusal | None:
    """Say why this copy must not be set running: the same UUID is active, or may be, on another host.

    Active: any other host shows a process for it, however old that word is. Unknown: another host where it was
    last seen, in whatever state, does not answer now; it may have been started there since. Hosts that were
    never read are not counted: nothing links the VM to them, and one dead entry in fleet.toml must not keep a
    whole fleet from starting. What they may hide is caught by the disk lock, not by us.
    """
    found = fleet.find_vm(sighting.vm.id)
    others = [seen for seen in (found.sightings if found else ()) if seen.host.id != sighting.host.id]
    for seen in others:
        if seen.vm.is_active and seen.is_current:
            return Refusal(
                code=RefusalCode.ACTIVE_ELSEWHERE,
                subject=sighting.vm.name,
                reason=f"it is {seen.vm.state} on {seen.host.id}; a second copy would destroy its disks",
                remedy=f"work with it on {seen.host.id}, or remove the left-over definition here",
            )
    for seen in others:
        if not seen.is_current:
            return Refusal(
                code=RefusalCode.UNKNOWN_ELSEWHERE,
                subject=sighting.vm.name,
                reason=f"{seen.host.id}, where it was last seen {seen.vm.state}, does not answer",
                remedy=f"bring {seen.host.id} back; if it is gone for good, take it out of fleet.toml",
            )
    return None


def refuse_job(sighting: Sighting) -> Refusal | None:
    """Say that a job nobody here started holds the VM, or None."""
    if not sighting.vm.job_active:
        return None
    return Refusal(
        code=RefusalCode.LOCKED,
        subject=sighting.vm.name,
        reason=f"a migration, save or dump is under way on it on {sighting.host.id}",
        remedy="wait until it has ended, or cancel it; a migration that does not end can be helped by a pause",
    )


def refuse_state(sighting: Sighting, verb: str, remedy: str) -> Refusal:
    """Say that the VM's state does not allow `verb`."""
    return Refusal(
        code=RefusalCode.WRONG_STATE,
        subject=sighting.vm.name,
        reason=f"it is {sighting.vm.state} on {sighting.host.id}, so it cannot {verb}",
        remedy=remedy,
    )


def vm_line(sighting: Sighting) -> str:
    """Name the VM as one thing that will be touched."""
    return f"VM {sighting.vm.name} on {sighting.host.id} ({sighting.vm.id})"


def vm_basis(fleet: Fleet, vm_id: VmId) -> tuple[str, ...]:
    """Say where the VM is seen and in which state: what every plan for it rests on."""
    found = fleet.find_vm(vm_id)
    seen = sorted(found.sightings if found else (), key=lambda sighting: sighting.host.id)
    return tuple(f"VM {one.vm.name} is {one.vm.state} on {one.host.id}" for one in seen)
