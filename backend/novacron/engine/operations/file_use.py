"""Whether a file may be deleted: a fresh look at who needs it."""

from collections.abc import Collection

from novacron.engine.operations.context import StepContext
from novacron.engine.operations.step import StepFailed
from novacron.model.host import HostReading
from novacron.model.ids import HostId, VmId
from novacron.model.link import LinkStatus
from novacron.model.plan.disks import identity_text, refuse_unknown_users
from novacron.model.plan.file_users import depends_on, hosts_in_reach, is_gone, named_file, users_of
from novacron.model.storage import Pool


async def require_unused(
    context: StepContext,
    host: HostId,
    path: str,
    *,
    expects: str = "",
    vouched: tuple[HostId, ...] = (),
    besides: VmId | str = "",
) -> bool:
    """Look again at who needs the file. False: it is not there any more.

    `expects` is which file it has to be, by its identity; empty: any. Hosts in `vouched` need not answer, and the
    host's own VM `besides` may need it.

    Raises:
        StepFailed: something needs it, may need it, or another file has its name by now; it was kept.
    """
    await read_inventory(context, host)
    return await require_unused_as_read(context, host, path, expects=expects, vouched=vouched, besides=besides)


async def require_unused_as_read(
    context: StepContext,
    host_id: HostId,
    path: str,
    *,
    expects: str,
    vouched: tuple[HostId, ...],
    besides: VmId | str = "",
) -> bool:
    """Do so by the inventory of its own host that was just read, and by fresh ones of the others."""
    others = hosts_in_reach(context.fleet, context.fleet.hosts[host_id], path) - {host_id}
    await _await_first_word(context, others)
    await context.pollers.refresh(others, inventory=True)
    fleet, host = context.fleet, context.fleet.hosts[host_id]
    file = named_file(host, path).file
    if is_gone(host, path):
        return False
    if expects and identity_text(file) != expects:
        msg = f"kept {path}: it was {expects} when it was confirmed, and is {identity_text(file)} now"
        raise StepFailed(msg)
    users = users_of(fleet, host, path, besides=besides, vouched=vouched) or depends_on(
        fleet, host, path, vouched=vouched
    )
    if users:
        msg = f"kept {path}: {', '.join(users)} needs it by now"
        raise StepFailed(msg)
    unknown = refuse_unknown_users(fleet, host, path, vouched)
    if unknown is not None:
        msg = f"kept {path}: {unknown.reason}"
        raise StepFailed(msg)
    return True


async def _await_first_word(context: StepContext, hosts: Collection[HostId]) -> None:
    """Wait until each host was met, or could not be: right after a start none was asked yet, which is no answer."""
    settings = context.settings
    until = context.clock.monotonic() + settings.connect_deadline_s + settings.read_deadline_s
    while context.clock.monotonic() < until:
        links = [context.fleet.hosts[host].link for host in hosts if host in context.fleet.hosts]
        if not any(link.status is LinkStatus.CONNECTING and link.attempts == 0 for link in links):
            return
        await context.clock.sleep(settings.goal_interval_s)


async def read_pool(context: StepContext, host: HostId, name: str) -> Pool | None:
    """Have the host's pools read again, and return the one asked for."""
    reading = await read_inventory(context, host)
    return next((pool for pool in reading.pools if pool.name == name), None)


async def read_inventory(context: StepContext, host: HostId) -> HostReading:
    """Return a reading with pools and definitions that was made after this call."""
    while True:
        await context.patient_hypervisor(host)
        await context.pollers.refresh([host], inventory=True)
        current = context.fleet.hosts[host]
        if current.is_current and current.reading is not None:
            return current.reading
        await context.clock.sleep(context.settings.blind_first_s)
