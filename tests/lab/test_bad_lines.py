"""What makes a host slow or its line bad, and not gone: its row stays, or comes back by itself, and is true."""

from dataclasses import replace

import pytest

from novacron.lab.faults import make_fault, mend_host
from novacron.lab.lab import Lab
from novacron.model.link import Link
from tests.lab.watched_fleet import BACK_WITHIN_S, SETTINGS, WatchedFleet, specs_of, watching
from tests.lab_fixtures import MakeVm

pytestmark = pytest.mark.lab

_ILL = "lab1"


@pytest.mark.parametrize(("kind", "argument"), [("delay", "500"), ("slow", "400")])
def test_a_slow_line_costs_no_row(lab: Lab, make_vm: MakeVm, kind: str, argument: str) -> None:
    vm = make_vm(_ILL, "wanderer", start=False)
    with watching(specs_of(lab)) as fleet:
        fleet.wait_all_up()
        make_fault(lab, kind, _ILL, argument)
        lab.virsh(_ILL, "start", "wanderer")
        _wait_while_up(fleet, vm, "● running")
        lab.virsh(_ILL, "destroy", "wanderer")
        _wait_while_up(fleet, vm, "○ shut off")


def test_a_line_that_loses_packets_shows_the_truth_or_that_it_is_not_known(lab: Lab, make_vm: MakeVm) -> None:
    vm = make_vm(_ILL, "stutterer", start=False)
    with watching(specs_of(lab)) as fleet:
        fleet.wait_all_up()
        make_fault(lab, "loss", _ILL, "30")
        lab.virsh(_ILL, "start", "stutterer")

        def is_true(link: Link) -> bool:
            shown = fleet.state_of(vm)
            assert link.is_up or fleet.host(_ILL).link.is_up or shown.startswith("? unknown"), shown
            return shown == "● running"

        fleet.wait(_ILL, is_true, timeout_s=2 * BACK_WITHIN_S)


def test_a_line_that_breaks_again_and_again_is_taken_up_again_each_time(lab: Lab, make_vm: MakeVm) -> None:
    vm = make_vm(_ILL, "phoenix")
    with watching(specs_of(lab)) as fleet:
        fleet.wait_all_up()
        # More than a host takes that is read for the first time, less than it takes in a minute.
        make_fault(lab, "drop", _ILL, "100000")
        for _ in range(2):
            fleet.wait(_ILL, lambda link: not link.is_up, timeout_s=2 * BACK_WITHIN_S)
            assert fleet.state_of(vm).startswith("? unknown")
            fleet.wait_up(_ILL)
            assert fleet.state_of(vm) == "● running"


def test_storage_that_hangs_costs_its_pool_and_no_host(lab: Lab) -> None:
    with watching(specs_of(lab), replace(SETTINGS, inventory_interval_s=3.0)) as fleet:
        fleet.wait_all_up()
        make_fault(lab, "pause-storage", _ILL)
        fleet.wait(_ILL, lambda _: all("hangs" in trouble for trouble in _troubles(fleet, "shared")), timeout_s=120)
        fleet.require_on_time(without="")
        assert set(_troubles(fleet, "local")) == {""}
        mend_host(lab, _ILL)
        fleet.wait(_ILL, lambda _: set(_troubles(fleet, "shared")) == {""}, timeout_s=120)


def _wait_while_up(fleet: WatchedFleet, vm: str, wanted: str) -> None:
    """Wait until a VM's row shows what is wanted; that of its host is up all the time."""

    def shows(link: Link) -> bool:
        assert link.is_up, link
        return fleet.state_of(vm) == wanted

    fleet.wait(_ILL, shows, timeout_s=BACK_WITHIN_S)


def _troubles(fleet: WatchedFleet, pool: str) -> list[str]:
    """Return what is wrong with a pool on each host."""
    readings = [host.reading for host in fleet.fleet.hosts.values()]
    return [seen.trouble for reading in readings if reading for seen in reading.pools if seen.name == pool]
