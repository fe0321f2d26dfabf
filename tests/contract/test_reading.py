"""Readings: complete, fresh, and of the right VM."""

import uuid

import pytest

from novacron.model.errors import NotFound
from novacron.model.ids import VmId
from novacron.model.operations.creation import definition_of
from novacron.model.vm import VmState
from novacron.ports.hypervisor import HostEvent, HostEventKind
from tests.contract.hypervisor_pair import DEADLINE_S, HypervisorPair


async def test_a_reading_lists_vms_by_uuid_with_their_state(pair: HypervisorPair) -> None:
    off, on = await pair.a_defined_vm(), await pair.a_running_vm()
    reading = await pair.a.reader.read(inventory=True, deadline_s=DEADLINE_S)
    seen = {vm.id: vm for vm in reading.vms}
    assert reading.host == pair.a.spec.id
    assert seen[off.vm].name == off.name
    assert seen[off.vm].state is VmState.SHUT_OFF
    assert seen[on.vm].state is VmState.RUNNING
    assert seen[on.vm].memory_mib == on.memory_mib
    assert seen[on.vm].vcpus == 1
    assert seen[on.vm].persistent
    assert seen[on.vm].has_serial
    assert [nic.network for nic in seen[on.vm].nics] == [pair.network]


async def test_a_reading_knows_the_disk_and_the_pool_it_lies_in(pair: HypervisorPair) -> None:
    intent = await pair.a_defined_vm()
    reading = await pair.a.reader.read(inventory=True, deadline_s=DEADLINE_S)
    vm = next(vm for vm in reading.vms if vm.id == intent.vm)
    pool = next(pool for pool in reading.pools if pool.name == pair.shared_pool)
    assert len(vm.disks) == 1
    assert vm.disks[0].source in {volume.path for volume in pool.volumes}
    assert pool.active
    assert 0 < pool.available_mib <= pool.capacity_mib


async def test_a_reading_without_inventory_repeats_the_pools_and_finds_new_vms(pair: HypervisorPair) -> None:
    first = await pair.a.reader.read(inventory=True, deadline_s=DEADLINE_S)
    intent = await pair.a_defined_vm()
    second = await pair.a.reader.read(inventory=False, deadline_s=DEADLINE_S)
    assert second.pools == first.pools
    assert second.inventory_at == first.inventory_at
    vm = next(vm for vm in second.vms if vm.id == intent.vm)
    assert vm.disks
    assert vm.nics


async def test_observed_at_is_aware_and_after_the_question(pair: HypervisorPair) -> None:
    asked_at = pair.clock.now()
    reading = await pair.a.reader.read(inventory=False, deadline_s=DEADLINE_S)
    assert reading.observed_at.utcoffset() is not None
    assert reading.observed_at >= asked_at


async def test_usage_is_known_for_a_running_vm_after_two_readings(pair: HypervisorPair) -> None:
    on, off = await pair.a_running_vm(), await pair.a_defined_vm()
    await pair.a.reader.read(inventory=True, deadline_s=DEADLINE_S)
    await pair.clock.sleep(1.0)
    reading = await pair.a.reader.read(inventory=False, deadline_s=DEADLINE_S)
    seen = {vm.id: vm for vm in reading.vms}
    assert seen[on.vm].usage.cpu_percent is not None
    assert (seen[on.vm].usage.memory_rss_mib or 0) > 0
    assert seen[off.vm].usage.cpu_percent is None


async def test_a_busy_vm_uses_more_of_a_processor_than_an_idle_one(pair: HypervisorPair) -> None:
    busy, idle = await pair.a_running_vm(pair.intent(busy=True)), await pair.a_booted_vm()

    async def told_apart() -> bool:
        reading = await pair.a.reader.read(inventory=False, deadline_s=DEADLINE_S)
        percent = {vm.id: vm.usage.cpu_percent for vm in reading.vms}
        at_work, at_rest = percent[busy.vm], percent[idle.vm]
        return at_work is not None and at_rest is not None and at_work > 2 * at_rest

    assert await pair.eventually(told_apart, every_s=2.0)


async def test_facts_name_the_machine_and_what_it_offers(pair: HypervisorPair) -> None:
    one = await pair.a.reader.facts(deadline_s=DEADLINE_S)
    other = await pair.b.reader.facts(deadline_s=DEADLINE_S)
    assert one.uuid != other.uuid
    assert one.hostname != other.hostname
    assert one.cores > 0
    assert one.memory_mib > 0
    assert pair.network in one.networks
    assert one.domain_types
    assert one.libvirt_version
    assert one.hypervisor_version


async def test_a_look_is_fresh(pair: HypervisorPair) -> None:
    intent = await pair.a_defined_vm()
    await pair.a.reader.read(inventory=True, deadline_s=DEADLINE_S)
    await pair.a.power.start(intent.vm, deadline_s=DEADLINE_S)
    assert (await pair.state(pair.a, intent.vm))[0] is VmState.RUNNING
    await pair.a.power.force_off(intent.vm, deadline_s=DEADLINE_S)
    assert (await pair.state(pair.a, intent.vm))[0] is VmState.SHUT_OFF


async def test_a_look_at_a_vm_that_is_not_there_is_none(pair: HypervisorPair) -> None:
    assert await pair.seen(pair.a, VmId(str(uuid.uuid4()))) is None


async def test_several_are_looked_at_in_one_call_and_who_is_not_there_is_left_out(pair: HypervisorPair) -> None:
    one, other = (await pair.a_defined_vm()).vm, (await pair.a_defined_vm()).vm
    await pair.a.reader.read(inventory=True, deadline_s=DEADLINE_S)
    await pair.a.power.start(one, deadline_s=DEADLINE_S)
    nobody = VmId(str(uuid.uuid4()))
    seen = await pair.a.reader.look_all([one, nobody, other], deadline_s=DEADLINE_S)
    assert {vm: reading.state for vm, reading in seen.items()} == {one: VmState.RUNNING, other: VmState.SHUT_OFF}
    assert seen[one] == await pair.seen(pair.a, one)


async def test_asking_for_a_vm_that_is_not_there_is_not_found(pair: HypervisorPair) -> None:
    nobody = VmId(str(uuid.uuid4()))
    with pytest.raises(NotFound):
        await pair.a.reader.definition(nobody, deadline_s=DEADLINE_S)
    with pytest.raises(NotFound):
        await pair.a.power.start(nobody, deadline_s=DEADLINE_S)
    with pytest.raises(NotFound):
        await pair.a.definitions.rename(nobody, "anything", deadline_s=DEADLINE_S)


async def test_a_change_is_followed_by_an_event_that_names_the_vm(pair: HypervisorPair) -> None:
    events: list[HostEvent] = []
    intent = await pair.a_defined_vm()
    pair.a.reader.watch(events.append)
    await pair.a.power.start(intent.vm, deadline_s=DEADLINE_S)

    async def told() -> bool:
        return any(event.kind is HostEventKind.VM and event.vm == intent.vm for event in events)

    assert await pair.eventually(told)


async def test_another_connections_change_is_followed_by_an_event(pair: HypervisorPair) -> None:
    events: list[HostEvent] = []
    pair.a.reader.watch(events.append)
    other = await pair.connect(pair.specs[0])
    intent = pair.intent(pool="")
    await other.definitions.define(definition_of(intent, ""), deadline_s=DEADLINE_S)

    async def told() -> bool:
        return any(event.vm == intent.vm for event in events)

    assert await pair.eventually(told)


async def test_the_definition_is_xml_that_names_the_vm(pair: HypervisorPair) -> None:
    intent = await pair.a_defined_vm()
    xml = await pair.a.reader.definition(intent.vm, deadline_s=DEADLINE_S)
    assert xml.lstrip().startswith("<domain")
    assert f"<name>{intent.name}</name>" in xml
    assert intent.vm in xml
