"""Moving a VM that is shut off: only to the very same disks, and with all that belongs to it."""

from dataclasses import replace

import pytest

from novacron.model.migration import Belongings
from novacron.model.operations.migration import AUTOSTART, MigrateVm
from novacron.model.operations.registry import plan
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.vm import VmState
from tests.builders import a_disk, a_vm
from tests.unit.model.test_planning_moves import move
from tests.unit.model.test_plans import LOCKED, OFF, SEEN, VM, A, B, code, on, planned


@pytest.mark.parametrize(("here", "there"), [("one file", "another"), ("", "one file"), ("one file", ""), ("", "")])
def test_a_path_that_is_not_provably_the_same_file_there_is_refused(here: str, there: str) -> None:
    facts = replace(LOCKED, at_source=(replace(SEEN, identity=here),), probes=(replace(SEEN, identity=there),))
    answer = move(facts, vm=OFF)
    assert isinstance(answer, Refusal)
    assert "old copy" in answer.reason
    assert answer.remedy


def test_a_medium_need_not_be_the_same_file_but_has_to_be_there() -> None:
    off = a_vm(state=VmState.SHUT_OFF, disks=(a_disk(kind="cdrom", readonly=True),))
    planned(move(replace(LOCKED, at_source=()), vm=off))


def test_a_block_device_may_go_with_a_warning_since_its_node_is_each_hosts_own() -> None:
    off = a_vm(state=VmState.SHUT_OFF, disks=(a_disk(storage="block"),))
    answer = planned(move(replace(LOCKED, at_source=()), vm=off))
    assert any("same device" in warning for warning in answer.warnings)


@pytest.mark.parametrize(
    ("kept", "thing"), [(Belongings(saved_memory=True), "its saved memory"), (Belongings(tpm=True), "its TPM")]
)
def test_what_would_be_left_behind_is_a_reason_to_refuse(kept: Belongings, thing: str) -> None:
    facts = replace(LOCKED, belongings=kept)
    answer = move(facts, vm=OFF)
    assert isinstance(answer, Refusal)
    assert thing in answer.reason
    planned(move(facts))


@pytest.mark.parametrize("state", [VmState.RUNNING, VmState.SHUT_OFF])
def test_a_vm_that_starts_with_its_host_does_so_with_the_next_one(state: VmState) -> None:
    intent = MigrateVm(vm=VM, host=A, destination=B)
    for autostart in (True, False):
        answer = planned(plan(intent, on(a_vm(state=state, autostart=autostart)), LOCKED))
        assert (answer.steps[-1].id == AUTOSTART) is autostart


def test_nothing_is_done_to_a_vm_whose_definition_was_not_read_yet() -> None:
    answer = plan(MigrateVm(vm=VM, host=A, destination=B), on(replace(a_vm(), is_read=False)), LOCKED)
    assert isinstance(answer, Refusal)
    assert "still being read" in answer.reason


def test_storage_without_a_path_is_never_copied_onto_itself() -> None:
    vm = a_vm(disks=(a_disk(source="pool/image", storage="network", protocol="rbd"),))
    assert code(move(LOCKED, vm=vm, copy=True)) is RefusalCode.INCOMPATIBLE
