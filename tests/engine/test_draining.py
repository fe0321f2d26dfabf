"""A backend that is told to end: what it carries ends or is stopped in good order, all else is left to the next one."""

import asyncio

from novacron.model.migration import MigrationMode
from novacron.model.operation import Operation, OperationState
from novacron.model.operations.migration import MigrateVm
from novacron.model.operations.power import ForceOffVm, ShutdownVm
from novacron.model.refusal import Refusal
from novacron.model.vm import VmState
from tests.builders import an_id
from tests.engine.site import SETTINGS, A, B, Site

VM = an_id("web-1")


def _move(mode: MigrationMode) -> MigrateVm:
    return MigrateVm(vm=VM, host=A, destination=B, mode=mode)


async def _migrating(site: Site, mode: MigrationMode, memory_mib: int) -> Operation:
    site.add()
    site.alter(VM, memory_mib=memory_mib, memory_max_mib=memory_mib)
    await site.start()
    operation = await site.accepted(_move(mode))
    await site.clock.advance(3)
    return await site.operation(operation)


async def test_a_migration_that_the_backend_carries_may_end(site: Site) -> None:
    operation = await _migrating(site, MigrationMode.DIRECT, 16384)
    assert not operation.has_ended
    assert await site.clock.run(site.service.drain()) == ()
    assert (await site.operation(operation.id)).state is OperationState.DONE
    await site.kill()
    assert site.running_on(VM) == [B]


async def test_one_that_takes_too_long_is_stopped_and_its_vm_stays(site: Site) -> None:
    operation = await _migrating(site, MigrationMode.RELAYED, 262144)
    began_at = site.clock.monotonic()
    assert await site.clock.run(site.service.drain()) == ()
    assert site.clock.monotonic() - began_at <= SETTINGS.drain_s + SETTINGS.drain_stop_s + 1
    ended = await site.operation(operation.id)
    assert ended.state is OperationState.CANCELLED
    assert "kvm-a" in ended.outcome
    await site.kill()
    assert site.running_on(VM) == [A]


async def test_what_goes_on_without_the_backend_is_not_waited_for_and_named(site: Site) -> None:
    operation = await _migrating(site, MigrationMode.PEER_TO_PEER, 262144)
    began_at = site.clock.monotonic()
    (left,) = await site.clock.run(site.service.drain())
    assert left.id == operation.id
    assert site.clock.monotonic() - began_at < 1
    await site.kill()
    await site.start()
    ended = await site.ended(operation.id, limit_s=7200)
    assert ended.state is OperationState.DONE, ended.outcome


async def test_draining_is_bounded_also_when_a_host_is_silent(site: Site) -> None:
    operation = await _migrating(site, MigrationMode.DIRECT, 262144)
    site.world.black_hole(A)
    began_at = site.clock.monotonic()
    left = await site.clock.run(site.service.drain())
    assert [one.id for one in left] == [operation.id]
    assert site.clock.monotonic() - began_at <= SETTINGS.drain_s + SETTINGS.drain_stop_s + 1


async def test_nothing_new_is_accepted_while_it_drains_but_a_repeated_request_is_answered(site: Site) -> None:
    await _migrating(site, MigrationMode.RELAYED, 262144)
    other = site.add("web-2", state=VmState.RUNNING)
    await site.clock.advance(3)
    first = await site.submit(ShutdownVm(vm=other, host=A, timeout_s=600), key="the same key")
    draining = asyncio.ensure_future(site.service.drain())
    await site.clock.advance(1)
    again = await site.submit(ShutdownVm(vm=other, host=A, timeout_s=600), key="the same key")
    assert isinstance(first, Operation)
    assert isinstance(again, Operation)
    assert again.id == first.id
    refused = await site.submit(ForceOffVm(vm=other, host=A), key="another key")
    assert isinstance(refused, Refusal)
    await site.clock.run(draining)
