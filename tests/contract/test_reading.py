"""Readings: complete, fresh, and of the right VM."""

import uuid

import pytest

from novacron.model.errors import NotFound
from novacron.model.ids import VmId
from novacron.model.operations.creation import definition_of
from novacron.model.vm import VmState
from novacron.ports.hypervisor import HostEvent, HostEventKind
from tests.contract.ground import DEADLINE_S, Ground


async def test_a_reading_lists_vms_by_uuid_with_their_state(ground: Ground) -> None:
    off, on = await ground.a_defined_vm(), await ground.a_running_vm()
    reading = await ground.a.reader.read(inventory=True, deadline_s=DEADLINE_S)
    seen = {vm.id: vm for vm in reading.vms}
    assert reading.host == ground.a.spec.id
    assert seen[off.vm].name == off.name
    assert seen[off.vm].state is VmState.SHUT_OFF
    assert seen[on.vm].state is VmState.RUNNING
    assert seen[on.vm].memory_mib == on.memory_mib
    assert seen[on.vm].vcpus == 1
    assert seen[on.vm].persistent
    assert seen[on.vm].has_serial
    assert [nic.network for nic in seen[on.vm].nics] == [ground.network]


async def test_a_reading_knows_the_disk_and_the_pool_it_lies_in(ground: Ground) -> None:
    intent = await ground.a_defined_vm()
    reading = await ground.a.reader.read(inventory=True, deadline_s=DEADLINE_S)
    vm = next(vm for vm in reading.vms if vm.id == intent.vm)
    pool = next(pool for pool in reading.pools if pool.name == ground.shared_pool)
    assert len(vm.disks) == 1
    assert vm.disks[0].source in {volume.path for volume in pool.volumes}
    assert pool.active
    assert 0 < pool.available_mib <= pool.capacity_mib


async def test_a_reading_without_inventory_repeats_the_pools_and_finds_new_vms(ground: Ground) -> None:
    first = await ground.a.reader.read(inventory=True, deadline_s=DEADLINE_S)
    intent = await ground.a_defined_vm()
    second = await ground.a.reader.read(inventory=False, deadline_s=DEADLINE_S)
    assert second.pools == first.pools
    assert second.inventory_at == first.inventory_at
    vm = next(vm for vm in second.vms if vm.id == intent.vm)
    assert vm.disks
    assert vm.nics


async def test_observed_at_is_aware_and_after_the_question(ground: Ground) -> None:
    asked_at = ground.clock.now()
    reading = await ground.a.reader.read(inventory=False, deadline_s=DEADLINE_S)
    assert reading.observed_at.utcoffset() is not None
    assert reading.observed_at >= asked_at


async def test_usage_is_known_for_a_running_vm_after_two_readings(ground: Ground) -> None:
    on, off = await ground.a_running_vm(), await ground.a_defined_vm()
    await ground.a.reader.read(inventory=True, deadline_s=DEADLINE_S)
    await ground.clock.sleep(1.0)
    reading = await ground.a.reader.read(inventory=False, deadline_s=DEADLINE_S)
    seen = {vm.id: vm for vm in reading.vms}
    assert seen[on.vm].usage.cpu_percent is not None
    assert (seen[on.vm].usage.memory_rss_mib or 0) > 0
    assert seen[off.vm].usage.cpu_percent is None


async def test_a_busy_vm_uses_more_of_a_processor_than_an_idle_one(ground: Ground) -> None:
    busy, idle = await ground.a_running_vm(ground.intent(busy=True)), await ground.a_booted_vm()

    async def told_apart() -> bool:
        reading = await ground.a.reader.read(inventory=False, deadline_s=DEADLINE_S)
        percent = {vm.id: vm.usage.cpu_percent for vm in reading.vms}
        at_work, at_rest = percent[busy.vm], percent[idle.vm]
        return at_work is not None and at_rest is not None and at_work > 2 * at_rest

    assert await ground.eventually(told_apart, every_s=2.0)


async def test_facts_name_the_machine_and_what_it_offers(ground: Ground) -> None:
    one = await ground.a.reader.facts(deadline_s=DEADLINE_S)
    other = await ground.b.reader.facts(deadline_s=DEADLINE_S)
    assert one.uuid != other.uuid
    assert one.hostname != other.hostname
    assert one.cores > 0
    assert one.memory_mib > 0
    assert ground.network in one.networks
    assert one.domain_types
    assert one.libvirt_version
    assert one.hypervisor_version


async def test_a_look_is_fresh(ground: Ground) -> None:
    intent = await ground.a_defined_vm()
    await ground.a.reader.read(inventory=True, deadline_s=DEADLINE_S)
    await ground.a.power.start(intent.vm, deadline_s=DEADLINE_S)
    assert (await ground.state(ground.a, intent.vm))[0] is VmState.RUNNING
    await ground.a.power.force_off(intent.vm, deadline_s=DEADLINE_S)
    assert (await ground.state(ground.a, intent.vm))[0] is VmState.SHUT_OFF


async def test_a_look_at_a_vm_that_is_not_there_is_none(ground: Ground) -> None:
    assert await ground.seen(ground.a, VmId(str(uuid.uuid4()))) is None


async def test_asking_for_a_vm_that_is_not_there_is_not_found(ground: Ground) -> None:
    nobody = VmId(str(uuid.uuid4()))
    with pytest.raises(NotFound):
        await ground.a.reader.definition(nobody, deadline_s=DEADLINE_S)
    with pytest.raises(NotFound):
        await ground.a.power.start(nobody, deadline_s=DEADLINE_S)
    with pytest.raises(NotFound):
        await ground.a.definitions.rename(nobody, "anything", deadline_s=DEADLINE_S)


async def test_a_change_is_followed_by_an_event_that_names_the_vm(ground: Ground) -> None:
    events: list[HostEvent] = []
    intent = await ground.a_defined_vm()
    ground.a.reader.watch(events.append)
    await ground.a.power.start(intent.vm, deadline_s=DEADLINE_S)

    async def told() -> bool:
        return any(event.kind is HostEventKind.VM and event.vm == intent.vm for event in events)

    assert await ground.eventually(told)


async def test_another_connections_change_is_followed_by_an_event(ground: Ground) -> None:
    events: list[HostEvent] = []
    ground.a.reader.watch(events.append)
    other = await ground.connect(ground.specs[0])
    intent = ground.intent(pool="")
    await other.definitions.define(definition_of(intent, ""), deadline_s=DEADLINE_S)

    async def told() -> bool:
        return any(event.vm == intent.vm for event in events)

    assert await ground.eventually(told)


async def test_the_definition_is_xml_that_names_the_vm(ground: Ground) -> None:
    intent = await ground.a_defined_vm()
    xml = await ground.a.reader.definition(intent.vm, deadline_s=DEADLINE_S)
    assert xml.lstrip().startswith("<domain")
    assert f"<name>{intent.name}</name>" in xml
    assert intent.vm in xml
