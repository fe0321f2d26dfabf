"""What one host's reading costs the fleet store, counted and not timed: it must not grow with the fleet."""

import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

from novacron.engine.store import FleetStore
from novacron.model.fleet import Fleet
from novacron.model.vm import VmState
from tests.builders import a_reading, a_spec, a_vm
from tests.fake_clock import FakeClock

_VMS_A_HOST = 20


def _store(hosts: int, published: list[Fleet]) -> FleetStore:
    store = FleetStore(
        [a_spec(f"h{one}") for one in range(hosts)], FakeClock(), lambda fleet, _: published.append(fleet)
    )
    for one in range(hosts):
        store.apply(_reading(one))
    return store


def _reading(host: int, state: VmState = VmState.RUNNING) -> Any:
    vms = (
        a_vm(f"vm-{host}-{number}", state=state if number == 0 else VmState.RUNNING) for number in range(_VMS_A_HOST)
    )
    return a_reading(f"h{host}", *vms)


def _made_by(act: Callable[[], object]) -> Counter[str]:
    """Count the objects of the model that are made meanwhile, by class."""
    made: Counter[str] = Counter()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_name == "__init__":
            kind = type(frame.f_locals["self"])
            if kind.__module__.startswith("novacron.model."):
                made[kind.__name__] += 1

    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
    return made


def _cost(hosts: int, state: VmState) -> Counter[str]:
    published: list[Fleet] = []
    store, reading = _store(hosts, published), _reading(1, state)
    made = _made_by(lambda: store.apply(reading))
    assert published[-1].hosts[reading.host].reading is not None
    return made


def test_a_reading_makes_as_many_objects_in_a_large_fleet_as_in_a_small_one() -> None:
    for state in (VmState.RUNNING, VmState.SHUT_OFF):
        small, large = _cost(4, state), _cost(500, state)
        assert small == large
        # Host, fleet, index and counts of the next revision, and links: none a VM.
        assert 0 < large.total() < _VMS_A_HOST, large
