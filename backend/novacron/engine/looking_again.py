"""A fresh look at what an intent is about, made under its lock just before it is accepted."""

import asyncio

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
    found = store.fleet.find_vm(vm)
    hosts = {seen.host.id for seen in (found.sightings if found else ()) if seen.is_current} | {intent.host}
    looks = (_look(host, vm, pollers, clock, settings) for host in sorted(hosts))
    fleet = store.fleet
    try:
        for host, seen in filter(None, await asyncio.gather(*looks)):
            fleet = fleet.with_look(host, vm, seen)
    except NovaCronError as error:
        return Refusal(
            code=RefusalCode.HOST_NOT_CURRENT,
            subject=error.subject,
            reason=f"it could not be looked at before it is touched: {error.detail}",
            remedy=error.remedy or "try again",
        )
    return fleet


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
