"""What a new size would do, and why it may not be: by what the VM runs with and by what its definition says."""

from dataclasses import replace

import pytest

from novacron.model.ids import HostId
from novacron.model.operations.registry import plan
from novacron.model.operations.resizing import ResizeVm
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.vm import VmReading, VmSize, VmSizing, VmState
from tests.builders import a_fleet, a_host, a_reading, a_vm, an_id

A, VM = HostId("a"), an_id("web-1")
ROOMY = a_vm(vcpus=2, vcpus_max=8, memory_mib=512, memory_max_mib=1024)
OFF = replace(ROOMY, state=VmState.SHUT_OFF)


def defined(vm: VmReading, **changes: object) -> VmReading:
    return replace(vm, sizing=replace(vm.sizing, **changes))


def answer(vm: VmReading, **figures: int) -> Plan | Refusal:
    return plan(ResizeVm(vm=VM, host=A, **figures), a_fleet(a_host("a", reading=a_reading("a", vm))))


@pytest.mark.parametrize(
    ("vm", "figures", "said"),
    [
        (OFF, {"vcpus": 3}, ()),
        (OFF, {"vcpus": 10}, ("maximum of 8 vCPUs is raised to 10",)),
        (OFF, {"memory_mib": 2048}, ("maximum of 1024 MiB is raised to 2048 MiB",)),
        (OFF, {"memory_mib": 256}, ("maximum stays 1024 MiB",)),
        (ROOMY, {"memory_mib": 1024}, ()),
        (ROOMY, {"vcpus": 10}, ("raised to 10", "runs with room for 8 vCPUs: 10 takes effect at its next start")),
        (ROOMY, {"memory_mib": 2048}, ("raised to 2048 MiB", "at most 1024 MiB: 2048 MiB takes effect at its next")),
        (defined(ROOMY, has_balloon=False), {"memory_mib": 256}, ("no balloon: 256 MiB takes effect at its next",)),
        (replace(ROOMY, persistent=False, sizing=VmSizing()), {"vcpus": 3}, ("until it is powered off",)),
        (defined(OFF, numa_cells=2, topology_vcpus=8), {"vcpus": 3, "memory_mib": 768}, ("maximum stays",)),
    ],
)
def test_a_plan_says_what_is_raised_and_what_waits_for_the_next_start(vm, figures, said) -> None:
    planned = answer(vm, **figures)
    assert isinstance(planned, Plan), planned
    assert len(planned.warnings) == len(said), planned.warnings
    assert all(part in warning for part, warning in zip(said, planned.warnings, strict=True))


@pytest.mark.parametrize(
    ("vm", "figures", "reason"),
    [
        (defined(OFF, topology_vcpus=8), {"vcpus": 9}, "CPU topology is made for 8"),
        (defined(ROOMY, numa_cells=2), {"vcpus": 9}, "among 2 NUMA cells"),
        (defined(ROOMY, numa_cells=1), {"memory_mib": 2048}, "among 1 NUMA cell"),
        (defined(OFF, numa_cells=2, has_balloon=False), {"memory_mib": 256}, "no balloon"),
        (replace(ROOMY, persistent=False, sizing=VmSizing()), {"vcpus": 9}, "room for 8 vCPUs"),
        (replace(ROOMY, persistent=False, sizing=VmSizing()), {"memory_mib": 2048}, "at most 1024 MiB"),
        (replace(ROOMY, persistent=False, sizing=VmSizing(has_balloon=False)), {"memory_mib": 256}, "no balloon"),
    ],
)
def test_a_size_that_the_definition_has_no_room_for_is_refused_with_its_reason(vm, figures, reason) -> None:
    refusal = answer(vm, **figures)
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.INVALID
    assert reason in refusal.reason
    assert refusal.remedy


def test_saved_memory_would_bring_the_old_size_back_so_it_is_refused() -> None:
    refusal = answer(defined(OFF, has_saved_memory=True), vcpus=3)
    assert isinstance(refusal, Refusal)
    assert refusal.code is RefusalCode.WRONG_STATE
    assert "managedsave-remove" in refusal.remedy


def test_undo_names_the_size_of_its_next_start() -> None:
    stored = VmSize(vcpus=4, vcpus_max=8, memory_mib=768, memory_max_mib=1024)
    planned = answer(defined(ROOMY, at_next_start=stored), vcpus=3)
    assert isinstance(planned, Plan)
    assert "set 4 vCPUs and 768 MiB again" in planned.undo_how


def test_what_is_pending_is_what_differs_of_a_vm_that_runs() -> None:
    stored = VmSize(vcpus=2, vcpus_max=8, memory_mib=768, memory_max_mib=1024)
    running = defined(ROOMY, at_next_start=stored)
    assert (running.pending_vcpus, running.pending_memory_mib) == (None, 768)
    off = replace(running, state=VmState.SHUT_OFF)
    assert (off.pending_vcpus, off.pending_memory_mib) == (None, None)
    passing = replace(running, sizing=VmSizing())
    assert (passing.pending_vcpus, passing.pending_memory_mib) == (None, None)
