"""The hosts of a running backend change: added, removed, pointed elsewhere, and the others do not notice."""

from dataclasses import replace

from novacron.model.link import LinkStatus
from novacron.model.operation import OperationState
from novacron.model.work.limits import Limits
from tests.builders import an_id
from tests.engine.site import A, B, C, Site, migrate

VM = an_id("web-1")


async def test_a_host_that_is_added_is_met_and_the_others_are_not_asked_again(site: Site) -> None:
    specs = site.world.specs
    site.only = (A,)
    await site.start()
    link = (await site.fleet()).hosts[A].link
    assert await site.clock.run(site.service.set_hosts(specs)) == ()
    await site.clock.advance(0.5)
    fleet = await site.fleet()
    assert [*fleet.hosts] == [spec.id for spec in specs]
    assert all(host.is_current for host in fleet.hosts.values())
    assert fleet.hosts[A].link is link


async def test_a_host_that_is_removed_is_gone_with_its_vms_and_no_longer_read(site: Site) -> None:
    site.add()
    await site.start()
    looked = (await site.fleet()).revision
    await site.clock.run(site.service.set_hosts([spec for spec in site.world.specs if spec.id != A]))
    assert A not in (await site.fleet()).hosts
    assert (await site.fleet()).find_vm(VM) is None
    await site.clock.advance(30)
    assert A not in (await site.fleet()).hosts
    assert not site.world.host(A).links
    refused = await site.refused(migrate(VM))
    assert refused.reason
    assert (await site.fleet()).revision > looked


async def test_a_host_that_is_changed_keeps_its_last_values_until_it_is_met_again(site: Site) -> None:
    site.add()
    await site.start()
    elsewhere = [replace(spec, labels={"rack": "b"}) if spec.id == A else spec for spec in site.world.specs]
    site.world.refuse(A, LinkStatus.UNREACHABLE)
    await site.clock.run(site.service.set_hosts(elsewhere))
    await site.clock.advance(0.5)
    host = (await site.fleet()).hosts[A]
    assert host.link.status is LinkStatus.UNREACHABLE
    assert host.reading is not None
    site.world.heal(A)
    await site.clock.advance(30)
    host = (await site.fleet()).hosts[A]
    assert host.is_current
    assert host.spec.labels == {"rack": "b"}


async def test_a_host_that_an_operation_works_on_stays_until_it_has_ended(site: Site) -> None:
    site.add()
    site.alter(VM, memory_mib=16384, memory_max_mib=16384)
    await site.start()
    operation = await site.accepted(migrate(VM))
    await site.clock.advance(2)
    kept = [spec for spec in site.world.specs if spec.id == C]
    assert set(await site.clock.run(site.service.set_hosts(kept))) == {A, B}
    while not (now := await site.operation(operation)).has_ended:
        await site.clock.advance(0.5)
    assert now.state is OperationState.DONE, now.outcome
    assert await site.clock.run(site.service.set_hosts(kept)) == ()
    assert [*(await site.fleet()).hosts] == [C]


async def test_a_limit_that_is_raised_lets_those_begin_that_it_kept_back_and_keeps_the_connection(site: Site) -> None:
    site.limits = Limits(migrations_out=1)
    for name in ("web-1", "db-1"):
        site.add(name)
        site.alter(an_id(name), memory_mib=65536, memory_max_mib=65536)
    await site.start()
    await site.accepted(migrate(VM))
    second = await site.accepted(migrate(an_id("db-1"), to=C))
    assert (await site.operation(second)).is_waiting
    link = (await site.fleet()).hosts[A].link
    await site.clock.run(site.service.set_hosts(site.world.specs))
    await site.clock.advance(1)
    host = (await site.fleet()).hosts[A]
    assert host.link is link
    assert host.spec.limits == Limits()
    assert (await site.operation(second)).state is OperationState.RUNNING
