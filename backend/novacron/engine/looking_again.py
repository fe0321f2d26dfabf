"""A fresh look at what an intent is about, made under its lock just before it is accepted."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from novacron.engine.deadline import within
from novacron.engine.host_pollers import HostPollers
from novacron.engine.settings import EngineSettings
from novacron.engine.store import FleetStore
from novacron.model.errors import LinkError, NotFound, NovaCronError
from novacron.model.fleet import Fleet
from novacron.model.ids import HostId, VmId
from novacron.model.operations.intent import Intent
from novacron.model.operations.registry import files_of, needs_inventory
from novacron.model.plan.file_users import hosts_in_reach
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.vm import VmReading
from novacron.ports.clock import Clock

_AT_A_TIME: Final = 5
"""Hosts whose looks are taken into the fleet before the event loop has a turn."""
_LOOKS_IN_TIME: Final = 50
"""VMs of one host beyond which looking at them is given twice the time."""


async def look_again(
    intent: Intent, store: FleetStore, pollers: HostPollers, clock: Clock, settings: EngineSettings
) -> Fleet | Refusal:
    """Return the fleet in which the intent's subject is as the hypervisors show it now.

    A host that cannot be asked keeps its last reading: the plan judges that. One that does not answer is a refusal.
    """
    if needs_inventory(intent):
        # What uses a file is known from whole inventories only.
        await pollers.refresh(intent.hosts, inventory=True)
        await pollers.refresh(_others_in_reach(intent, store.fleet), inventory=True)
        return store.fleet
    vm = intent.about_vm
    if vm is None:
        return store.fleet
    hosts = _places(store.fleet, vm, intent.host)
    looks = (_look(host, vm, pollers, clock, settings) for host in sorted(hosts))
    fleet = store.fleet
    try:
        for host, seen in filter(None, await asyncio.gather(*looks)):
            fleet = fleet.with_look(host, vm, seen)
    except NovaCronError as error:
        return _not_looked_at(error)
    return fleet


async def look_at_all(
    intents: Sequence[Intent], store: FleetStore, pollers: HostPollers, clock: Clock, settings: EngineSettings
) -> tuple[Fleet, dict[Intent, Refusal]]:
    """Return the fleet as `look_again` does for one intent, and which intents are refused; each host is asked once."""
    broad = [intent for intent in intents if needs_inventory(intent)]
    near = {host for intent in broad for host in intent.hosts}
    await pollers.refresh(sorted(near), inventory=True)
    others = {host for intent in broad for host in _others_in_reach(intent, store.fleet)} - near
    await pollers.refresh(sorted(others), inventory=True)
    fleet = store.fleet
    wanted: dict[HostId, list[VmId]] = {}
    places: dict[Intent, frozenset[HostId]] = {}
    for intent in intents:
        vm = intent.about_vm
        if vm is not None and not needs_inventory(intent):
            places[intent] = _places(fleet, vm, intent.host)
            for host in places[intent]:
                wanted.setdefault(host, []).append(vm)
    work = (_look_at(host, wanted[host], pollers, clock, settings) for host in sorted(wanted))
    away: dict[HostId, Refusal] = {}
    for number, (host, looked) in enumerate(await asyncio.gather(*work)):
        if isinstance(looked, Refusal):
            away[host] = looked
        elif looked is not None:
            fleet = fleet.with_looks(host, {vm: looked.get(vm) for vm in wanted[host]})
        if number % _AT_A_TIME == 0:
            await asyncio.sleep(0)
    refused = {one: next((away[host] for host in sorted(hosts) if host in away), None) for one, hosts in places.items()}
    return fleet, {one: refusal for one, refusal in refused.items() if refusal is not None}


def _places(fleet: Fleet, vm: VmId, host: HostId) -> frozenset[HostId]:
    """Return the hosts that are asked of a VM: those on which it is seen now, and the one that is meant."""
    found = fleet.find_vm(vm)
    return frozenset({seen.host.id for seen in (found.sightings if found else ()) if seen.is_current} | {host})


async def _look_at(
    host: HostId, vms: Sequence[VmId], pollers: HostPollers, clock: Clock, settings: EngineSettings
) -> tuple[HostId, Mapping[VmId, VmReading] | Refusal | None]:
    """Return what the host shows of several VMs; None when it cannot be asked now."""
    try:
        hypervisor = pollers.hypervisor(host)
    except (LinkError, NotFound):
        return host, None
    # More are given more time; a host that does not answer at all costs no more than twice what one costs.
    deadline_s = settings.look_deadline_s * (1 + min(1.0, len(vms) / _LOOKS_IN_TIME))
    looks = hypervisor.reader.look_all(vms, deadline_s=deadline_s)
    try:
        return host, await within(clock, deadline_s + settings.overrun_s, looks, subject=host, what="a look")
    except NovaCronError as error:
        return host, _not_looked_at(error)


def _not_looked_at(error: NovaCronError) -> Refusal:
    return Refusal(
        code=RefusalCode.HOST_NOT_CURRENT,
        subject=error.subject,
        reason=f"it could not be looked at before it is touched: {error.detail}",
        remedy=error.remedy or "try again",
    )


def _others_in_reach(intent: Intent, fleet: Fleet) -> set[HostId]:
    """Return the other hosts that may need what the intent deletes."""
    host = fleet.hosts.get(intent.host)
    if host is None or host.reading is None:
        return set()
    return {other for path in files_of(intent, fleet) for other in hosts_in_reach(fleet, host, path)} - {intent.host}


async def _look(
    host: HostId, vm: VmId, pollers: HostPollers, clock: Clock, settings: EngineSettings
) -> tuple[HostId, VmReading | None] | None:
    """Return what the host shows of the VM; None when it cannot be asked now."""
    try:
        hypervisor = pollers.hypervisor(host)
    except (LinkError, NotFound):
        return None
    deadline_s = settings.look_deadline_s
    seen = await within(
        clock,
        deadline_s + settings.overrun_s,
        hypervisor.reader.look(vm, deadline_s=deadline_s),
        subject=host,
        what="a look",
    )
    return host, seen
