"""Definitions: made once, changed, moved, removed."""

import uuid
from dataclasses import replace

import pytest

from novacron.model.errors import Conflict, OperationError
from novacron.model.ids import VmId
from novacron.model.migration import Belongings
from novacron.model.operations.creation import definition_of
from novacron.model.vm import VmSize, VmState
from tests.contract.hypervisor_pair import DEADLINE_S, HypervisorPair


async def test_defining_twice_by_one_intent_makes_one_vm(pair: HypervisorPair) -> None:
    intent = await pair.a_defined_vm()
    seen = await pair.seen(pair.a, intent.vm)
    assert seen is not None
    await pair.a.definitions.define(definition_of(intent, seen.disks[0].source), deadline_s=DEADLINE_S)
    reading = await pair.a.reader.read(inventory=False, deadline_s=DEADLINE_S)
    assert [vm.name for vm in reading.vms].count(intent.name) == 1


async def test_a_name_that_another_vm_has_is_a_conflict(pair: HypervisorPair) -> None:
    intent = await pair.a_defined_vm(pair.intent(pool=""))
    other = replace(intent, vm=VmId(str(uuid.uuid4())))
    with pytest.raises(Conflict):
        await pair.a.definitions.define(definition_of(other, ""), deadline_s=DEADLINE_S)
    assert await pair.seen(pair.a, other.vm) is None


async def test_rename_keeps_the_uuid(pair: HypervisorPair) -> None:
    intent = await pair.a_defined_vm()
    new_name = f"{intent.name}-renamed"
    await pair.a.definitions.rename(intent.vm, new_name, deadline_s=DEADLINE_S)
    reading = await pair.seen(pair.a, intent.vm)
    assert reading is not None
    assert reading.name == new_name


async def test_a_running_vm_cannot_be_renamed(pair: HypervisorPair) -> None:
    intent = await pair.a_running_vm()
    with pytest.raises(OperationError):
        await pair.a.definitions.rename(intent.vm, f"{intent.name}-renamed", deadline_s=DEADLINE_S)


async def test_renaming_to_a_taken_name_is_an_error(pair: HypervisorPair) -> None:
    one, other = await pair.a_defined_vm(), await pair.a_defined_vm()
    with pytest.raises(OperationError):
        await pair.a.definitions.rename(one.vm, other.name, deadline_s=DEADLINE_S)


async def test_autostart_is_set_and_cleared(pair: HypervisorPair) -> None:
    intent = await pair.a_defined_vm()
    for enabled in (True, False):
        await pair.a.definitions.set_autostart(intent.vm, enabled, deadline_s=DEADLINE_S)
        reading = await pair.seen(pair.a, intent.vm)
        assert reading is not None
        assert reading.autostart is enabled


async def test_a_larger_size_of_a_shut_off_vm_raises_its_maxima(pair: HypervisorPair) -> None:
    intent = await pair.a_defined_vm()
    await pair.a.definitions.resize_stored(intent.vm, 2, 192, deadline_s=DEADLINE_S)
    reading = await pair.seen(pair.a, intent.vm)
    assert reading is not None
    assert (reading.vcpus, reading.memory_mib) == (2, 192)
    assert reading.sizing.at_next_start == VmSize(vcpus=2, vcpus_max=2, memory_mib=192, memory_max_mib=192)


async def test_a_smaller_size_of_a_shut_off_vm_keeps_its_maxima(pair: HypervisorPair) -> None:
    intent = await pair.a_defined_vm()
    await pair.a.definitions.resize_stored(intent.vm, 4, 256, deadline_s=DEADLINE_S)
    await pair.a.definitions.resize_stored(intent.vm, 2, 192, deadline_s=DEADLINE_S)
    reading = await pair.seen(pair.a, intent.vm)
    assert reading is not None
    assert reading.sizing.at_next_start == VmSize(vcpus=2, vcpus_max=4, memory_mib=192, memory_max_mib=256)


async def test_resizing_a_running_vm_beyond_its_maxima_counts_from_its_next_start(pair: HypervisorPair) -> None:
    intent = await pair.a_running_vm()
    await pair.a.definitions.resize_stored(intent.vm, 2, 192, deadline_s=DEADLINE_S)
    for vcpus, memory_mib in ((2, None), (None, 192)):
        with pytest.raises(OperationError):
            await pair.a.definitions.resize_live(intent.vm, vcpus, memory_mib, deadline_s=DEADLINE_S)
    before = await pair.seen(pair.a, intent.vm)
    await pair.a.power.force_off(intent.vm, deadline_s=DEADLINE_S)
    await pair.a.power.start(intent.vm, deadline_s=DEADLINE_S)
    after = await pair.seen(pair.a, intent.vm)
    assert before is not None
    assert before.state is VmState.RUNNING
    assert (before.vcpus, before.memory_mib) == (1, 128)
    assert (before.pending_vcpus, before.pending_memory_mib) == (2, 192)
    assert after is not None
    assert (after.vcpus, after.memory_mib) == (2, 192)
    assert (after.pending_vcpus, after.pending_memory_mib) == (None, None)


async def test_what_does_not_run_has_no_process_to_resize(pair: HypervisorPair) -> None:
    intent = await pair.a_defined_vm()
    with pytest.raises(OperationError):
        await pair.a.definitions.resize_live(intent.vm, 1, None, deadline_s=DEADLINE_S)


async def test_undefine_removes_it_and_may_be_repeated(pair: HypervisorPair) -> None:
    intent = await pair.a_defined_vm()
    await pair.a.definitions.undefine(intent.vm, deadline_s=DEADLINE_S)
    assert await pair.seen(pair.a, intent.vm) is None
    await pair.a.definitions.undefine(intent.vm, deadline_s=DEADLINE_S)


async def test_a_definition_can_be_taken_to_another_host(pair: HypervisorPair) -> None:
    intent = await pair.a_defined_vm()
    xml = await pair.a.reader.definition(intent.vm, with_secrets=True, deadline_s=DEADLINE_S)
    assert await pair.a.reader.belongings(intent.vm, deadline_s=DEADLINE_S) == Belongings()
    await pair.b.definitions.define_xml(xml, deadline_s=DEADLINE_S)
    await pair.a.definitions.undefine(intent.vm, deadline_s=DEADLINE_S)
    reading = await pair.seen(pair.b, intent.vm)
    assert reading is not None
    assert reading.name == intent.name
    assert reading.state is VmState.SHUT_OFF
    assert reading.memory_mib == intent.memory_mib
    await pair.b.power.start(intent.vm, deadline_s=DEADLINE_S)
    assert await pair.runs_only_on(pair.b, pair.a, intent.vm)


async def test_what_is_no_definition_is_refused(pair: HypervisorPair) -> None:
    with pytest.raises(OperationError):
        await pair.a.definitions.define_xml("<domain><name>half", deadline_s=DEADLINE_S)
