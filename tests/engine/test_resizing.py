"""Another size: done when both the process and the stored definition were read and show it, or with what is missing."""

from dataclasses import replace

import pytest

from novacron.model.operation import OperationState
from novacron.model.operations.resizing import ResizeVm
from novacron.model.vm import VmState
from tests.builders import an_id
from tests.engine.site import SETTINGS, A, Site

VM = an_id("web-1")


@pytest.mark.parametrize("state", [VmState.RUNNING, VmState.SHUT_OFF])
async def test_both_figures_are_read_from_process_and_definition(site: Site, state: VmState) -> None:
    site.add(state=state)
    await site.start()
    ended = await site.do(ResizeVm(vm=VM, host=A, vcpus=3, memory_mib=1024))
    assert ended.state is OperationState.DONE
    assert "3 vCPUs and 1024 MiB" in ended.outcome
    assert ("now and at its next start" in ended.outcome) is (state is VmState.RUNNING)
    machine = site.world.host(A).machines[VM]
    assert (machine.vcpus, machine.stored_vcpus, machine.vcpus_max) == (3, 3, 4)
    assert (machine.memory_mib, machine.stored_memory_mib, machine.memory_max_mib) == (1024, 1024, 2048)


async def test_a_figure_the_process_has_no_room_for_keeps_nobody_from_the_other(site: Site) -> None:
    site.add()
    await site.start()
    ended = await site.do(ResizeVm(vm=VM, host=A, vcpus=3, memory_mib=65536))
    assert ended.state is OperationState.DONE
    assert "runs on with 3 vCPUs and 2048 MiB" in ended.outcome
    assert "3 vCPUs and 65536 MiB from its next start on" in ended.outcome
    assert "cannot set memory higher than max memory" in ended.outcome


async def test_a_figure_that_was_refused_is_not_waited_for(site: Site) -> None:
    site.add(change=lambda machine: replace(machine, has_balloon=False))
    await site.start()
    before = site.clock.monotonic()
    ended = await site.do(ResizeVm(vm=VM, host=A, memory_mib=1024))
    assert ended.state is OperationState.DONE
    assert "without the balloon device" in ended.outcome
    assert site.clock.monotonic() - before < SETTINGS.lost_patience_s / 2


async def test_a_transient_vm_is_resized_for_as_long_as_it_runs(site: Site) -> None:
    site.add(change=lambda machine: replace(machine, persistent=False))
    await site.start()
    ended = await site.do(ResizeVm(vm=VM, host=A, vcpus=3, memory_mib=1024))
    assert ended.state is OperationState.DONE
    assert "until it is powered off" in ended.outcome
    machine = site.world.host(A).machines[VM]
    assert (machine.persistent, machine.vcpus, machine.memory_mib) == (False, 3, 1024)


async def test_memory_that_is_saved_after_the_preview_fails_the_resize_with_the_reason(site: Site) -> None:
    site.add(state=VmState.SHUT_OFF)
    await site.start()
    digest = await site.digest(ResizeVm(vm=VM, host=A, vcpus=3))
    assert digest
    site.alter(VM, has_saved_memory=True)
    refused = await site.refused(ResizeVm(vm=VM, host=A, vcpus=3))
    assert "saved" in refused.reason
    assert site.world.host(A).machines[VM].vcpus == 2


async def test_a_definition_the_host_refuses_fails_with_what_stands(site: Site) -> None:
    no = "initial memory size of a domain with NUMA nodes cannot be modified"
    site.add(change=lambda machine: replace(machine, refuses_size=no))
    await site.start()
    ended = await site.do(ResizeVm(vm=VM, host=A, vcpus=3, memory_mib=1024))
    assert ended.state is OperationState.FAILED
    assert no in ended.outcome
    assert "it stands at 2 vCPUs and 2048 MiB" in ended.outcome
    assert site.world.host(A).machines[VM].vcpus == 2, "its process is left alone, too"
