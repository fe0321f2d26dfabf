"""The questions every plan asks first: is it there, does its host answer, is it active or unknown elsewhere."""

from collections.abc import Collection

from novacron.model.capability import Capability
from novacron.model.fleet import Fleet, Host, Sighting
from novacron.model.host import HostReading
from novacron.model.ids import HostId, VmId
from novacron.model.operations.intent import VmIntent
from novacron.model.plan.file_users import NamedFile, others_reach
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.work.capacity import total_memory_mib


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


def refuse_elsewhere(fleet: Fleet, sighting: Sighting, vouched: Collection[HostId] = ()) -> Refusal | None:
    """Say why this copy must not be set running: the same UUID is active, or may be, on another host.

    Active: any other host shows a process for it, however old that word is. Unknown: another host where it was
    last seen, in whatever state, does not answer now or has left fleet.toml; it may have been started there since.
    A host that was never read may have it as well, but only if it can reach its disks: one dead entry in fleet.toml
    must not keep VMs on their hosts' own disks from starting. A person may vouch for a host that does not answer.
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
    doubtful = {seen.host.id: f"where it was last seen {seen.vm.state}, " for seen in others if not seen.is_current}
    doubtful |= {
        former.host: "where it was last seen and which left fleet.toml, " for former in _formers(fleet, sighting)
    }
    if reaches_other_hosts(sighting):
        doubtful |= {host.id: "which was never read, " for host in fleet.hosts.values() if host.reading is None}
    asked = {host: why for host, why in doubtful.items() if host not in vouched}
    for host, why in asked.items():
        return Refusal(
            code=RefusalCode.UNKNOWN_ELSEWHERE,
            subject=sighting.vm.name,
            reason=f"{host}, {why}does not answer: it may run there",
            remedy=f"have {', '.join(asked)} answer; or, if you know that it cannot run there, vouch for "
            f"{', '.join(asked)} by name (--vouch)",
            vouch_for=tuple(asked),
        )
    return None


def refuse_started_elsewhere(fleet: Fleet, sighting: Sighting, vouched: Collection[HostId] = ()) -> Refusal | None:
    """Say that another host has a copy that it starts when it boots, without asking anybody; or None.

    Where the other host does not answer, it is `refuse_elsewhere` that asks for a person's word.
    """
    found = fleet.find_vm(sighting.vm.id)
    for other in found.sightings if found else ():
        if (
            other.host.id != sighting.host.id
            and other.vm.autostart
            and other.is_current
            and other.host.id not in vouched
        ):
            return Refusal(
                code=RefusalCode.ACTIVE_ELSEWHERE,
                subject=sighting.vm.name,
                reason=f"{other.host.id} has it too and would start its copy when it boots",
                remedy=f"turn autostart off on {other.host.id}, or start it there",
            )
    return None


def reaches_other_hosts(sighting: Sighting) -> bool:
    """Whether another host may be able to run the VM: unless each of its disks is known to be its host's own."""
    host = sighting.host
    disks = (disk for disk in sighting.vm.disks if disk.source and not disk.readonly)
    return any(others_reach(host, NamedFile(host=host.id, path=disk.source, file=disk.file)) for disk in disks)


def vouched_lines(vouched: Collection[HostId]) -> tuple[str, ...]:
    """Say what a person vouches for, as a plan shows it and the journal keeps it."""
    return tuple(f"you vouch that {host}, which cannot be asked, does not have or need it" for host in vouched)


def _formers(fleet: Fleet, sighting: Sighting) -> tuple[HostReading, ...]:
    """Return the last readings, with the VM, of hosts that left fleet.toml."""
    return tuple(one for one in fleet.former if any(vm.id == sighting.vm.id for vm in one.vms))


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


def refuse_incapable(host: Host, capability: Capability, remedy: str = "") -> Refusal | None:
    """Say that the host's hypervisor cannot do that at all, or None; None also where it was never read."""
    reason = host.reading.facts.capabilities.why_not(capability) if host.reading else ""
    if not reason:
        return None
    return Refusal(
        code=RefusalCode.INCOMPATIBLE,
        subject=host.id,
        reason=f"{host.id} cannot {capability}: {reason}",
        remedy=remedy,
    )


def refuse_too_large(host: Host, name: str, memory_mib: int) -> Refusal | None:
    """Say that the host could not take the VM if it had nothing else, or None; None also where that is not known."""
    total_mib = total_memory_mib(host.reading)
    if total_mib is None or memory_mib <= total_mib:
        return None
    return Refusal(
        code=RefusalCode.NO_ROOM,
        subject=name,
        reason=f"it needs {memory_mib} MiB and {host.id} has {total_mib} MiB in all",
        remedy="give it less memory, or another host",
    )


def vm_line(sighting: Sighting) -> str:
    """Name the VM as one thing that will be touched."""
    return f"VM {sighting.vm.name} on {sighting.host.id} ({sighting.vm.id})"


def vm_basis(fleet: Fleet, vm_id: VmId) -> tuple[str, ...]:
    """Say where the VM is seen and in which state: what every plan for it rests on."""
    found = fleet.find_vm(vm_id)
    seen = sorted(found.sightings if found else (), key=lambda sighting: sighting.host.id)
    return tuple(f"VM {one.vm.name} is {one.vm.state} on {one.host.id}" for one in seen)


def vm_name(intent: VmIntent, fleet: Fleet) -> str:
    """Return the name of the intent's VM, as the fleet knows it; its UUID where it does not."""
    found = fleet.find_vm(intent.vm)
    return found.home.vm.name if found else intent.vm
