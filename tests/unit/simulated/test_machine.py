"""The moves of one VM: only those libvirt would allow, and nothing else changes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from novacron.adapters.simulated.definition import from_xml, to_xml
from novacron.adapters.simulated.hostile import HOSTILE_TEXTS
from novacron.adapters.simulated.machine import (
    Job,
    Machine,
    Verb,
    renamed,
    require,
    resized_live,
    resized_stored,
    started,
    stopped,
)
from novacron.model.errors import OperationError
from novacron.model.vm import StateReason, VmDisk, VmNic, VmState
from tests.builders import an_id


def _machine(state: VmState = VmState.SHUT_OFF) -> Machine:
    return Machine(
        id=an_id("web-1"),
        name="web-1",
        state=state,
        disks=(VmDisk(target="vda", source="/srv/shared/web-1.qcow2", format="qcow2"),),
        nics=(VmNic(mac="52:54:00:00:00:01", network="default", model="virtio"),),
    )


@pytest.mark.parametrize(
    ("state", "verb"),
    [
        (VmState.RUNNING, Verb.START),
        (VmState.PAUSED, Verb.START),
        (VmState.SHUT_OFF, Verb.SHUTDOWN),
        (VmState.SHUT_OFF, Verb.REBOOT),
        (VmState.SHUT_OFF, Verb.FORCE_OFF),
        (VmState.SHUT_OFF, Verb.PAUSE),
        (VmState.SHUT_OFF, Verb.RESUME),
        (VmState.CRASHED, Verb.PAUSE),
    ],
)
def test_a_verb_that_does_not_fit_the_state_is_refused(state: VmState, verb: Verb) -> None:
    with pytest.raises(OperationError):
        require(_machine(state), verb)


def test_nothing_but_force_off_and_a_pause_is_allowed_while_it_migrates() -> None:
    leaving = replace(_machine(VmState.RUNNING), job=Job.MIGRATING_OUT)
    require(leaving, Verb.FORCE_OFF)
    require(leaving, Verb.PAUSE)
    for verb in set(Verb) - {Verb.FORCE_OFF, Verb.PAUSE, Verb.START}:
        with pytest.raises(OperationError, match="lock"):
            require(leaving, verb)


def test_a_start_gives_it_a_process_and_a_stop_takes_it_away() -> None:
    running = started(_machine(), at=5.0)
    assert (running.state, running.started_at) == (VmState.RUNNING, 5.0)
    assert running.nics[0].link == "vnet0"
    off = stopped(running, StateReason.DESTROYED)
    assert (off.state, off.reason, off.started_at, off.nics[0].link) == (
        VmState.SHUT_OFF,
        StateReason.DESTROYED,
        None,
        "",
    )


def test_a_resize_beyond_the_maximum_waits_for_the_next_start() -> None:
    running = started(_machine(), at=0.0)
    asked = resized_stored(running, vcpus=4, memory_mib=2048)
    assert (asked.vcpus, asked.memory_mib) == (1, 512)
    for vcpus, memory_mib in ((4, None), (None, 2048)):
        with pytest.raises(OperationError):
            resized_live(asked, vcpus=vcpus, memory_mib=memory_mib)
    again = started(stopped(asked, StateReason.SHUTDOWN), at=9.0)
    assert (again.vcpus, again.memory_mib) == (4, 2048)


def test_the_balloon_shrinks_and_grows_while_it_runs() -> None:
    running = resized_live(started(_machine(), at=0.0), vcpus=None, memory_mib=256)
    assert (running.memory_mib, running.stored_memory_mib) == (256, 512)
    assert started(stopped(running, StateReason.SHUTDOWN), at=9.0).memory_mib == 512


def test_one_that_gave_its_memory_away_holds_no_disk() -> None:
    stale = replace(_machine(VmState.PAUSED), reason=StateReason.MIGRATING)
    assert not stale.holds_disks
    assert replace(stale, reason=StateReason.USER).holds_disks


@pytest.mark.parametrize("name", ["", "a/b", "a\nb"])
def test_libvirts_few_forbidden_names_are_refused(name: str) -> None:
    with pytest.raises(OperationError):
        renamed(_machine(), name)


def test_a_definition_survives_the_way_through_xml() -> None:
    machine = replace(_machine(), kernel="/boot/k", initrd="/boot/i", cmdline="a=b & <c>", vcpus=2, vcpus_max=4)
    assert from_xml(to_xml(machine)) == machine


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_a_hostile_name_makes_a_definition_that_parses(text: str) -> None:
    described = from_xml(to_xml(replace(_machine(), name=text, description=text)))
    assert described.id == an_id("web-1")
    assert len(described.disks) == 1


@given(st.text(min_size=1).filter(str.strip))
def test_no_name_can_add_an_element(name: str) -> None:
    described = from_xml(to_xml(replace(_machine(), name=f"x{name}")))
    assert len(described.disks) == 1
    assert len(described.nics) == 1
