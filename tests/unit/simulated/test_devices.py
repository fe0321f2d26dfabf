"""A guest that does not let go keeps its device until its process ends."""

from novacron.adapters.simulated.device_changes import attached_disk, detached
from novacron.adapters.simulated.machine import SPARE_PORTS, Machine, paused, resumed, started, stopped
from novacron.model.device import DiskAttachment
from novacron.model.vm import StateReason
from tests.builders import an_id

_DISK = DiskAttachment(path="/vm/b.qcow2", target="vdb")


def _running(*, obeys: bool = True) -> Machine:
    machine = Machine(id=an_id("web-1"), name="web-1", obeys_unplugging=obeys)
    return attached_disk(started(machine, at=0.0), _DISK, live=True, stored=True)


def test_a_guest_that_does_not_let_go_keeps_its_disk_until_it_is_off() -> None:
    asked = detached(_running(obeys=False), "vdb", live=True, stored=True)
    again = resumed(paused(asked))
    assert [disk.target for disk in again.disks] == ["vdb"]
    assert again.stored_disks == ()
    assert stopped(again, StateReason.DESTROYED).disks == ()


def test_a_disk_that_is_detached_live_only_is_there_at_the_next_start() -> None:
    now = detached(_running(), "vdb", live=True, stored=False)
    assert (now.disks, len(now.stored_disks)) == ((), 1)
    assert len(started(stopped(now, StateReason.SHUTDOWN), at=1.0).disks) == 1


def test_a_port_is_free_again_when_its_device_is_gone() -> None:
    running = _running()
    assert running.spare_ports == SPARE_PORTS - 1
    assert detached(running, "vdb", live=True, stored=True).spare_ports == SPARE_PORTS
    assert stopped(running, StateReason.DESTROYED).spare_ports == SPARE_PORTS
