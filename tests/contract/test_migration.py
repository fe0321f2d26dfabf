"""Live migration, in the three ways and as each end sees it."""

import asyncio

import pytest

from novacron.model.errors import LinkError, LinkLost, NovaCronError, OperationError, OutcomeUnknown
from novacron.model.migration import MigrationMode
from novacron.model.operations.creation import CreateVm, definition_of
from novacron.model.vm import JobProgress, StateReason, VmState
from novacron.ports.hypervisor import MigrationRequest
from tests.contract.hypervisor_pair import DEADLINE_S, MIGRATION_S, HypervisorPair

_CRAWL_MIB_S = 2
"""Slow enough that even a small guest is under way for half a minute."""
_WALK_MIB_S = 6
"""For one whose end is waited for: under way for ten seconds and more."""

_EACH_MODE = pytest.mark.parametrize("mode", list(MigrationMode))


async def _under_way(
    pair: HypervisorPair, intent: CreateVm, mode: MigrationMode, *, bandwidth_mib_s: int = _CRAWL_MIB_S
) -> asyncio.Task[None]:
    """Start a slow migration, and return when memory is being copied."""
    task = asyncio.create_task(pair.migrate(intent, mode, bandwidth_mib_s=bandwidth_mib_s))

    async def copies() -> bool:
        if task.done():
            task.result()
        job = await pair.a.migration.job(intent.vm, deadline_s=DEADLINE_S)
        return job is not None and (job.memory_total_mib or 0) > 0 and job.elapsed_s > 0.5

    assert await pair.eventually(copies)
    return task


@_EACH_MODE
async def test_it_ends_running_at_the_destination_and_not_at_the_source(
    pair: HypervisorPair, mode: MigrationMode
) -> None:
    intent = await pair.a_booted_vm()
    await pair.migrate(intent, mode)
    assert await pair.runs_only_on(pair.b, pair.a, intent.vm)
    arrived = await pair.seen(pair.b, intent.vm)
    assert arrived is not None
    assert arrived.name == intent.name
    assert arrived.persistent
    assert not arrived.job_active
    # The other way round proves that nothing was left behind in its way.
    request = MigrationRequest(vm=intent.vm, mode=mode, copy_storage=False)
    await pair.b.migration.start(request, pair.a, deadline_s=MIGRATION_S)
    assert await pair.runs_only_on(pair.a, pair.b, intent.vm)


@_EACH_MODE
async def test_an_aborted_one_leaves_it_running_at_the_source(pair: HypervisorPair, mode: MigrationMode) -> None:
    intent = await pair.a_booted_vm()
    task = await _under_way(pair, intent, mode)
    await pair.a.migration.abort(intent.vm, deadline_s=DEADLINE_S)
    # Which of the two is the abort's or the link's luck: two libvirtds hang up on each other. Neither is a success.
    with pytest.raises((OperationError, OutcomeUnknown)):
        await task
    assert await pair.runs_only_on(pair.a, pair.b, intent.vm)
    await pair.migrate(intent, mode)
    assert await pair.runs_only_on(pair.b, pair.a, intent.vm)


async def test_its_job_has_figures_while_it_is_under_way(pair: HypervisorPair) -> None:
    intent = await pair.a_booted_vm()
    assert await pair.a.migration.job(intent.vm, deadline_s=DEADLINE_S) is None
    task = await _under_way(pair, intent, MigrationMode.PEER_TO_PEER)
    seen: list[JobProgress] = []
    for _ in range(3):
        job = await pair.a.migration.job(intent.vm, deadline_s=DEADLINE_S)
        assert job is not None
        seen.append(job)
        await pair.clock.sleep(1.0)
    reading = await pair.seen(pair.a, intent.vm)
    assert reading is not None
    assert reading.job_active
    for job in seen:
        assert job.memory_total_mib is not None
        assert job.memory_remaining_mib is not None
        assert 0 <= job.memory_remaining_mib <= job.memory_total_mib
        assert job.iteration is not None
    assert seen[0].elapsed_s < seen[-1].elapsed_s
    assert 0 < (seen[-1].rate_mib_s or 0) < 10 * _CRAWL_MIB_S
    await pair.a.migration.abort(intent.vm, deadline_s=DEADLINE_S)
    await asyncio.gather(task, return_exceptions=True)


async def test_a_peer_to_peer_one_goes_on_when_our_links_end(pair: HypervisorPair) -> None:
    intent = await pair.a_booted_vm()
    task = await _under_way(pair, intent, MigrationMode.PEER_TO_PEER, bandwidth_mib_s=_WALK_MIB_S)
    await pair.a.close()
    await pair.b.close()
    with pytest.raises((OutcomeUnknown, LinkError)):
        await task
    await pair.open()

    async def arrived() -> bool:
        return await pair.runs_only_on(pair.b, pair.a, intent.vm)

    assert await pair.eventually(arrived, timeout_s=MIGRATION_S, every_s=1.0)


async def test_a_direct_one_falls_back_to_the_source_when_our_links_end(pair: HypervisorPair) -> None:
    intent = await pair.a_booted_vm(pair.intent(busy=True))
    task = await _under_way(pair, intent, MigrationMode.DIRECT)
    # Its guest is too busy for it ever to end: closing that waited for it would take all of its deadline.
    async with asyncio.timeout(DEADLINE_S):
        await pair.a.close()
        await pair.b.close()
    with pytest.raises(NovaCronError):
        await task
    await pair.open()

    async def fell_back() -> bool:
        reading = await pair.seen(pair.a, intent.vm)
        back = reading is not None and not reading.job_active
        return back and await pair.runs_only_on(pair.a, pair.b, intent.vm)

    assert await pair.eventually(fell_back, every_s=0.5)


async def test_a_guest_that_is_paused_while_it_moves_arrives_and_runs(pair: HypervisorPair) -> None:
    intent = await pair.a_booted_vm(pair.intent(busy=True))
    task = await _under_way(pair, intent, MigrationMode.PEER_TO_PEER, bandwidth_mib_s=_WALK_MIB_S)
    await pair.a.power.pause(intent.vm, deadline_s=DEADLINE_S)
    paused = await pair.seen(pair.a, intent.vm)
    assert paused is None or (paused.state, paused.reason) == (VmState.PAUSED, StateReason.MIGRATING)
    await task
    assert await pair.runs_only_on(pair.b, pair.a, intent.vm)


@pytest.mark.parametrize("mode", [MigrationMode.PEER_TO_PEER, MigrationMode.RELAYED])
async def test_storage_is_copied_along(pair: HypervisorPair, mode: MigrationMode) -> None:
    intent = await pair.a_booted_vm(pair.intent(pool=pair.local_pool))
    await pair.migrate(intent, mode, copy_storage=True)
    assert await pair.runs_only_on(pair.b, pair.a, intent.vm)
    arrived = await pair.seen(pair.b, intent.vm)
    assert arrived is not None
    (probe,) = await pair.b.storage.probe_disks((arrived.disks[0].source,), deadline_s=DEADLINE_S)
    assert probe.visible


async def test_what_is_off_cannot_be_live_migrated(pair: HypervisorPair) -> None:
    intent = await pair.a_defined_vm()
    with pytest.raises(OperationError):
        await pair.migrate(intent, MigrationMode.PEER_TO_PEER)
    assert await pair.seen(pair.b, intent.vm) is None


async def test_the_destination_sees_the_lock_of_a_running_vms_disk(pair: HypervisorPair) -> None:
    intent = await pair.a_running_vm()
    reading = await pair.seen(pair.a, intent.vm)
    assert reading is not None
    path = reading.disks[0].source
    (probe,) = await pair.b.storage.probe_disks((path,), deadline_s=DEADLINE_S)
    assert probe.visible
    assert probe.lock_seen is True
    (here,) = await pair.a.storage.probe_disks((path,), deadline_s=DEADLINE_S)
    assert here.lock_seen is True, "its own host sees it as well"
    assert here.inode
    assert (here.inode, here.born) == (probe.inode, probe.born), "and it is on the very same file"
    await pair.a.power.force_off(intent.vm, deadline_s=DEADLINE_S)
    (probe,) = await pair.b.storage.probe_disks((path,), deadline_s=DEADLINE_S)
    assert probe.lock_seen is not True


async def test_a_disk_in_use_cannot_be_started_from_a_second_host(pair: HypervisorPair) -> None:
    intent = await pair.a_running_vm()
    xml = await pair.a.reader.definition(intent.vm, deadline_s=DEADLINE_S)
    await pair.b.definitions.define_xml(xml, deadline_s=DEADLINE_S)
    with pytest.raises(OperationError):
        await pair.b.power.start(intent.vm, deadline_s=DEADLINE_S)
    assert await pair.runs_only_on(pair.a, pair.b, intent.vm)


async def test_a_host_that_fits_says_so(pair: HypervisorPair) -> None:
    intent = await pair.a_running_vm()
    xml = await pair.a.reader.definition(intent.vm, deadline_s=DEADLINE_S)
    fit = await pair.b.migration.preflight(xml, deadline_s=DEADLINE_S)
    assert fit.cpu_compatible is not False
    assert fit.domain_type_supported is True
    assert fit.machine_supported is not False
    assert fit.missing_networks == ()
    assert not fit.name_taken
    assert (fit.memory_free_mib or 0) > intent.memory_mib
    assert fit.kernel_visible is (True if intent.kernel else None)


async def test_fit_names_the_network_that_is_missing(pair: HypervisorPair) -> None:
    intent = await pair.a_defined_vm(pair.intent(pool="", network="no-such-network"))
    xml = await pair.a.reader.definition(intent.vm, deadline_s=DEADLINE_S)
    fit = await pair.b.migration.preflight(xml, deadline_s=DEADLINE_S)
    assert fit.missing_networks == ("no-such-network",)


async def test_fit_tells_a_taken_name_from_the_same_vm(pair: HypervisorPair) -> None:
    intent = await pair.a_defined_vm(pair.intent(pool=""))
    xml = await pair.a.reader.definition(intent.vm, deadline_s=DEADLINE_S)
    namesake = pair.intent(intent.name, pool="")
    await pair.b.definitions.define(definition_of(namesake, ""), deadline_s=DEADLINE_S)
    assert (await pair.b.migration.preflight(xml, deadline_s=DEADLINE_S)).name_taken
    assert not (await pair.a.migration.preflight(xml, deadline_s=DEADLINE_S)).name_taken


async def test_close_ends_what_is_asked_after_and_nothing_else(pair: HypervisorPair) -> None:
    other = await pair.connect(pair.specs[0])
    async with asyncio.timeout(DEADLINE_S):
        await other.close()
    with pytest.raises(LinkLost):
        await other.reader.read(inventory=False, deadline_s=DEADLINE_S)
    intent = await pair.a_running_vm()
    assert (await pair.state(pair.a, intent.vm))[0] is VmState.RUNNING
