"""Asking a migration's two ends what only they know, before anything is planned."""

import asyncio

from novacron.engine.deadline import within
from novacron.engine.host_pollers import HostPollers
from novacron.engine.settings import EngineSettings
from novacron.model.errors import LinkError, NovaCronError
from novacron.model.fleet import Fleet
from novacron.model.operations.intent import Intent
from novacron.model.operations.migration import MigrateVm, refuse_migration
from novacron.model.plan.compatibility import MigrationFacts, probed_paths
from novacron.model.refusal import Refusal, RefusalCode
from novacron.ports.clock import Clock


def has_preflight(intent: Intent) -> bool:
    """Whether hypervisors are asked before it is planned."""
    return isinstance(intent, MigrateVm)


async def gather_facts(
    intent: Intent, fleet: Fleet, pollers: HostPollers, clock: Clock, settings: EngineSettings
) -> MigrationFacts | Refusal | None:
    """Return what the destination said, why it could not be asked, or None when there is nothing to ask."""
    if not isinstance(intent, MigrateVm):
        return None
    refusal = refuse_migration(intent, fleet)
    if refusal is not None:
        return refusal
    seen = fleet.sighting(intent.vm, intent.host)
    paths = probed_paths(seen) if seen else ()
    deadline_s = settings.fit_deadline_s
    try:
        return await within(
            clock,
            deadline_s + settings.overrun_s,
            _ask(intent, paths, pollers, deadline_s),
            subject=intent.destination,
            what="whether it can take the VM",
        )
    except NovaCronError as error:
        unreachable = isinstance(error, LinkError)
        return Refusal(
            code=RefusalCode.HOST_NOT_CURRENT if unreachable else RefusalCode.INCOMPATIBLE,
            subject=error.subject,
            reason=f"it could not be checked whether {intent.destination} can take it: {error.detail}",
            remedy=error.remedy or "try again",
        )


async def _ask(intent: MigrateVm, paths: tuple[str, ...], pollers: HostPollers, deadline_s: float) -> MigrationFacts:
    source, destination = pollers.hypervisor(intent.host), pollers.hypervisor(intent.destination)
    definition = await source.reader.definition(intent.vm, deadline_s=deadline_s)
    fit, probes, at_source, belongings = await asyncio.gather(
        destination.migration.preflight(definition, deadline_s=deadline_s),
        destination.storage.probe_disks(paths, deadline_s=deadline_s),
        source.storage.probe_disks(paths, deadline_s=deadline_s),
        source.reader.belongings(intent.vm, deadline_s=deadline_s),
    )
    return MigrationFacts(fit=fit, probes=probes, at_source=at_source, belongings=belongings)
