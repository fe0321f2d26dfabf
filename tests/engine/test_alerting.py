"""Alerts as an operator meets them: raised by facts, cleared by facts, in the running engine."""

from novacron.adapters.simulated.migration_outcome import MigrationOutcome
from novacron.model.alert.alert import AlertRule
from novacron.model.link import LinkStatus
from novacron.model.operations.power import StartVm
from novacron.model.vm import StateReason, VmState
from tests.builders import an_id
from tests.callers import ALICE
from tests.engine.site import A, B, Site, migrate

VM = an_id("web-1")


async def rules(site: Site) -> list[AlertRule]:
    return [alert.rule for alert in await site.alerts()]


async def test_a_host_that_is_gone_is_an_alert_until_it_is_back(site: Site) -> None:
    await site.start()
    site.world.refuse(A, LinkStatus.UNREACHABLE)
    await site.clock.advance(3)
    assert await rules(site) == []
    await site.clock.advance(5)
    assert await rules(site) == [AlertRule.HOST_UNREACHABLE]
    site.world.heal(A)
    await site.clock.advance(60)
    assert await rules(site) == []
    assert [alert.rule for alert in await site.service.alerts(ALICE)] == [AlertRule.HOST_UNREACHABLE]


async def test_a_crash_and_an_io_error_are_alerts_until_the_vm_runs(site: Site) -> None:
    site.add()
    other = site.add("web-2")
    await site.start()
    site.world.crash_vm(VM)
    site.world.fail_disk(other)
    await site.clock.advance(2)
    assert sorted(await rules(site)) == sorted([AlertRule.VM_CRASHED, AlertRule.VM_IO_ERROR])
    await site.do(StartVm(vm=VM, host=A))
    await site.clock.advance(2)
    assert await rules(site) == [AlertRule.VM_IO_ERROR]


async def test_a_source_that_shows_crashed_after_a_migration_that_succeeded_is_no_alert(site: Site) -> None:
    site.add()
    await site.start()
    site.world.end_next_migration(VM, MigrationOutcome.SOURCE_CRASHED)
    operation = await site.accepted(migrate(VM))
    raised: set[AlertRule] = set()
    while not (await site.operation(operation)).has_ended:
        await site.clock.advance(0.5)
        raised |= set(await rules(site))
    await site.clock.advance(10)
    assert AlertRule.VM_CRASHED not in raised | set(await rules(site))


async def test_a_vm_that_is_made_to_run_twice_is_told_within_five_seconds(site: Site) -> None:
    site.add()
    site.add(host=B, state=VmState.SHUT_OFF)
    await site.start()
    await site.clock.advance(10)
    site.alter(VM, B, state=VmState.RUNNING, reason=StateReason.BOOTED)
    await site.clock.advance(5)
    assert AlertRule.VM_RUNS_TWICE in await rules(site)
    site.alter(VM, B, state=VmState.SHUT_OFF)
    await site.clock.advance(3)
    assert AlertRule.VM_RUNS_TWICE not in await rules(site)


async def test_a_migration_by_somebody_else_is_no_second_copy(site: Site) -> None:
    site.add()
    await site.start()
    raised: set[AlertRule] = set()
    site.alter(VM, A, job=site.world.host(A).machines[VM].job)
    machine = site.world.host(A).machines[VM]
    site.world.host(B).put(machine, "arrived")
    site.world.host(A).machines.pop(VM)
    for _ in range(40):
        await site.clock.advance(0.25)
        raised |= set(await rules(site))
    assert raised == set()


async def test_a_full_shared_pool_is_one_alert_on_all_hosts(site: Site) -> None:
    await site.start()
    site.world.fill_pool(A, "shared")
    await site.clock.advance(40)
    assert await rules(site) == [AlertRule.POOL_NEARLY_FULL]
    site.world.drain_pool(A, "shared")
    await site.clock.advance(40)
    assert await rules(site) == []


async def test_a_full_file_system_is_an_alert(site: Site) -> None:
    await site.start()
    site.world.host(B).root_used_fraction = 0.97
    await site.clock.advance(5)
    assert await rules(site) == [AlertRule.FILE_SYSTEM_NEARLY_FULL]


async def test_a_failed_operation_is_an_alert_until_a_later_one_succeeds(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    site.world.host(A).set_networks(())
    await site.start()
    await site.do(StartVm(vm=VM, host=A))
    await site.clock.advance(2)
    assert await rules(site) == [AlertRule.OPERATION_FAILED]
    site.world.host(A).set_networks(("default",))
    await site.do(StartVm(vm=VM, host=A))
    await site.clock.advance(2)
    assert await rules(site) == []


async def test_an_outcome_that_stays_unknown_for_a_minute_is_told(site: Site) -> None:
    site.add()
    site.alter(VM, memory_mib=65536, memory_max_mib=65536)
    await site.start()
    await site.accepted(migrate(VM))
    await site.clock.advance(3)
    site.world.black_hole(A)
    await site.clock.advance(200)
    assert AlertRule.OPERATION_FAILED in await rules(site)
