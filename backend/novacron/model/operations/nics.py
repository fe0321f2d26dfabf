"""Network interfaces of a VM that exists: attached and detached, while it runs and for its next start."""

import re
from dataclasses import dataclass
from typing import Any, Final, Literal

from novacron.model.device import NicAttachment
from novacron.model.fleet import Fleet, Sighting
from novacron.model.ids import VmId
from novacron.model.operations.intent import VmIntent
from novacron.model.operations.step import StepArgs
from novacron.model.operations.type import OperationType, Permission, Texts
from novacron.model.plan.device_scope import DeviceScope, sides_of
from novacron.model.plan.guards import find_vm, refuse_job, vm_basis, vm_line, vm_name
from novacron.model.plan.plan import Danger, Plan, PlannedStep
from novacron.model.plan.resources import vm_with_files
from novacron.model.refusal import Refusal, RefusalCode, invalid

_MAC: Final = re.compile(r"[0-9a-f][02468ace](:[0-9a-f]{2}){5}", re.ASCII)
"""Of one station: the last bit of its first byte is not set."""
_MODELS: Final = ("virtio", "e1000", "e1000e", "rtl8139")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachNic(VmIntent):
    """Give a VM a further network interface. Who asks chooses the MAC address, so that asking twice makes one."""

    network: str
    """libvirt network."""
    mac: str
    model: str = "virtio"
    scope: DeviceScope = DeviceScope.BOTH
    kind: Literal["attach-nic"] = "attach-nic"


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachNic(VmIntent):
    """Take a network interface from a VM."""

    mac: str
    scope: DeviceScope = DeviceScope.BOTH
    kind: Literal["detach-nic"] = "detach-nic"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachNicArgs(StepArgs):
    """Attach a network interface, and see that it is there."""

    vm: VmId
    nic: NicAttachment
    live: bool
    stored: bool
    type: Literal["attach-nic"] = "attach-nic"


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachNicArgs(StepArgs):
    """Detach a network interface, and see that it is gone."""

    vm: VmId
    mac: str
    live: bool
    stored: bool
    type: Literal["detach-nic"] = "detach-nic"


def plan_attach_nic(intent: AttachNic, fleet: Fleet) -> Plan | Refusal:
    """Plan to plug a new network interface into a network of the host."""
    seen = find_vm(fleet, intent.vm, intent.host)
    if isinstance(seen, Refusal):
        return seen
    sides = sides_of(seen, intent.scope)
    if isinstance(sides, Refusal):
        return sides
    refusal = refuse_job(seen) or _bad_nic(intent) or _no_network(intent, seen) or _mac_taken(intent, fleet, seen)
    if refusal is not None:
        return refusal
    nic = NicAttachment(mac=intent.mac, network=intent.network, model=intent.model)
    args = AttachNicArgs(host=intent.host, vm=intent.vm, nic=nic, live=sides.live, stored=sides.stored)
    title = f"attach a NIC in {intent.network} to {seen.vm.name} on {intent.host}"
    return Plan(
        intent=intent,
        title=title,
        subject=seen.vm.name,
        steps=(PlannedStep(id="attach-nic", args=args, title=title),),
        touches=(vm_line(seen), f"NIC {intent.mac} ({intent.model}) in network {intent.network}, {sides}"),
        danger=Danger.CONFIRM,
        undo_how="detach it",
        basis=(*vm_basis(fleet, intent.vm), f"NIC {intent.mac}, {sides}"),
    )


def plan_detach_nic(intent: DetachNic, fleet: Fleet) -> Plan | Refusal:
    """Plan to take a network interface away."""
    seen = find_vm(fleet, intent.vm, intent.host)
    if isinstance(seen, Refusal):
        return seen
    sides = sides_of(seen, intent.scope)
    if isinstance(sides, Refusal):
        return sides
    vm = seen.vm
    nics = (*(vm.live_nics if sides.live else ()), *(vm.nics_at_next_start if sides.stored else ()))
    nic = next((one for one in nics if one.mac == intent.mac), None)
    if nic is None:
        has = ", ".join(sorted({one.mac for one in (*vm.nics, *vm.nics_at_next_start)}))
        reason = f"it has no NIC {intent.mac}"
        return Refusal(
            code=RefusalCode.NOT_FOUND, subject=vm.name, reason=reason, remedy=f"it has: {has}" if has else ""
        )
    if (refusal := refuse_job(seen)) is not None:
        return refusal
    args = DetachNicArgs(host=intent.host, vm=intent.vm, mac=intent.mac, live=sides.live, stored=sides.stored)
    title = f"detach the NIC {intent.mac} from {vm.name} on {intent.host}"
    return Plan(
        intent=intent,
        title=title,
        subject=vm.name,
        steps=(PlannedStep(id="detach-nic", args=args, title=title),),
        touches=(vm_line(seen), f"NIC {intent.mac} in {nic.network or nic.kind}: taken from it {sides}"),
        warnings=("its guest cannot be reached by it any more",) if sides.live else (),
        danger=Danger.CONFIRM,
        undo_how="attach one with the same MAC address",
        can_cancel=sides.live,
        basis=(*vm_basis(fleet, intent.vm), f"NIC {intent.mac} is in {nic.network}, taken {sides}"),
    )


def _bad_nic(intent: AttachNic) -> Refusal | None:
    if not _MAC.fullmatch(intent.mac):
        remedy = "write it as 52:54:00:12:34:56, in small letters"
        return invalid("MAC address", f"{intent.mac[:40]!r} is no address of one interface", remedy)
    if intent.model not in _MODELS:
        return invalid("model", f"{intent.model[:40]!r} is none that NovaCron gives", f"say {', '.join(_MODELS)}")
    return None


def _no_network(intent: AttachNic, seen: Sighting) -> Refusal | None:
    networks = seen.host.reading.facts.networks if seen.host.reading else ()
    if intent.network in networks:
        return None
    known = f"choose one of: {', '.join(networks)}" if networks else "start one there"
    return invalid(intent.network, f"{intent.host} has no active network of this name", known)


def _mac_taken(intent: AttachNic, fleet: Fleet, seen: Sighting) -> Refusal | None:
    """Refuse an address that any VM of the fleet has: two of one address in one network lose each other's packets."""
    for host in fleet.hosts.values():
        for vm in host.reading.vms if host.reading else ():
            if any(nic.mac == intent.mac for nic in (*vm.nics, *vm.nics_at_next_start)):
                whose = "it has" if vm.id == seen.vm.id else f"{vm.name} on {host.id} has"
                return Refusal(
                    code=RefusalCode.IN_USE,
                    subject=seen.vm.name,
                    reason=f"{whose} the MAC address {intent.mac} already",
                    remedy="choose another one",
                )
    return None


TYPES: Final[tuple[OperationType[Any], ...]] = (
    OperationType(
        intent=AttachNic,
        plan=plan_attach_nic,
        claims=vm_with_files,
        steps=(AttachNicArgs,),
        texts=Texts(verb="attach a NIC to", doing="attaching NIC"),
        permission=Permission.VM_EDIT,
        danger=Danger.CONFIRM,
        subject=vm_name,
    ),
    OperationType(
        intent=DetachNic,
        plan=plan_detach_nic,
        claims=vm_with_files,
        steps=(DetachNicArgs,),
        texts=Texts(verb="detach a NIC from", doing="detaching NIC"),
        permission=Permission.VM_EDIT,
        danger=Danger.CONFIRM,
        subject=vm_name,
    ),
)
