"""What others do to VMs behind an open console is told by libvirt's events; no poll comes in time here."""

import pytest

from novacron.lab.faults import make_fault, mend_host
from novacron.lab.lab import Lab
from novacron.lab.vms import remove_vm
from tests.lab.watched_fleet import BACK_WITHIN_S, BY_EVENT, specs_of, watching
from tests.lab_fixtures import MakeVm, eventually

pytestmark = pytest.mark.lab


def test_events_are_heard_again_after_libvirtd_came_back(lab: Lab, make_vm: MakeVm) -> None:
    vm = make_vm("lab1", "late-riser", start=False)
    with watching(specs_of(lab), BY_EVENT) as fleet:
        fleet.wait_all_up()
        make_fault(lab, "kill-libvirtd", "lab1")
        fleet.wait("lab1", lambda link: not link.is_up, timeout_s=BACK_WITHIN_S)
        mend_host(lab, "lab1")
        fleet.wait_up("lab1")
        assert fleet.state_of(vm) == "○ shut off"
        lab.virsh("lab1", "start", "late-riser")
        assert eventually(lambda: fleet.state_of(vm) == "● running"), fleet.state_of(vm)


def test_a_vm_that_others_rename_and_migrate_is_followed_by_its_uuid(lab: Lab, make_vm: MakeVm) -> None:
    vm = make_vm("lab1", "caterpillar", start=False)
    with watching(specs_of(lab), BY_EVENT) as fleet:
        fleet.wait_all_up()
        try:
            lab.virsh("lab1", "domrename", "caterpillar", "butterfly")
            assert eventually(lambda: fleet.place_of(vm) == ("butterfly", "lab1")), fleet.place_of(vm)
            lab.virsh("lab1", "start", "butterfly")
            assert eventually(lambda: fleet.state_of(vm) == "● running"), fleet.state_of(vm)
            migrate = ["migrate", "--live", "--p2p", "--persistent", "--undefinesource", "butterfly"]
            lab.virsh("lab1", *migrate, "qemu+ssh://root@lab2/system", timeout_s=180)
            assert eventually(lambda: fleet.place_of(vm) == ("butterfly", "lab2")), fleet.place_of(vm)
            assert eventually(lambda: fleet.state_of(vm) == "● running"), fleet.state_of(vm)
        finally:
            remove_vm(lab, "butterfly")
