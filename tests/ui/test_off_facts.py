"""What the screen of a VM that is off says in place of plots: since when, by whom, and what was done last."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from novacron.model.fleet import FleetVm
from novacron.model.operation import Operation, OperationState
from novacron.model.operations.intent import Intent
from novacron.model.operations.power import ForceOffVm, ShutdownVm, StartVm
from novacron.model.vm import StateReason, VmState
from novacron.ports.backend import OperationsChanged
from novacron_tui.present.column import CellContext
from novacron_tui.present.off_facts import off_lines
from tests.builders import NOW, a_fleet, a_host, a_vm, an_id
from tests.operation_builders import an_operation
from tests.ui.fake_backend import FakeBackend
from tests.ui.operator import SMALL, at_console

_NIGHT = NOW - timedelta(hours=3)


def _vm(*, since: datetime | None = None, reason: StateReason = StateReason.SHUTDOWN) -> FleetVm:
    reading = replace(a_vm("web-1", state=VmState.SHUT_OFF, reason=reason), state_since=since)
    found = a_fleet(a_host("a", reading)).find_vm(an_id("web-1"))
    assert found is not None
    return found


def _done(intent: type[Intent], ended_at: datetime, state: OperationState = OperationState.DONE) -> Operation:
    word = {ShutdownVm: "shut down", ForceOffVm: "force off", StartVm: "start"}[intent]
    operation = an_operation(
        int(ended_at.timestamp()), intent=intent(vm=an_id("web-1"), host="a"), title=f"{word} web-1 on a", state=state
    )
    return replace(operation, accepted_at=ended_at - timedelta(seconds=5), ended_at=ended_at, actor="alice")


def _said(vm: FleetVm, *operations: Operation) -> dict[str, str]:
    lines = off_lines(vm, operations, CellContext(now=NOW), 120)
    texts = ["".join(part.text for part in line) for line in lines]
    return {text[2:11].strip(): text[12:].strip() for text in texts[1:]}


def test_a_stop_that_was_asked_for_here_is_named_with_who_asked() -> None:
    said = _said(_vm(since=_NIGHT + timedelta(seconds=2)), _done(ShutdownVm, _NIGHT))
    assert said["since"] == "09:00:02, 2h59 ago"
    assert said["by"] == "alice: shut down web-1 on a"
    assert said["last"].startswith("✔ shut down web-1 on a  done, 3h00 ago")


@pytest.mark.parametrize(
    ("reason", "by"),
    [
        (StateReason.DESTROYED, "somebody outside NovaCron forced it off"),
        (StateReason.CRASHED, "nobody: it crashed"),
        (StateReason.NONE, "not known"),
    ],
)
def test_a_stop_at_another_time_than_any_of_ours_is_not_taken_for_ours(reason: StateReason, by: str) -> None:
    said = _said(_vm(since=NOW - timedelta(minutes=1), reason=reason), _done(ShutdownVm, _NIGHT))
    assert (said["since"], said["by"]) == ("11:59:00, 1m00 ago", by)


def test_a_stop_before_this_backend_looked_is_dated_by_its_operation() -> None:
    said = _said(_vm(), _done(ForceOffVm, _NIGHT))
    assert said["since"] == "09:00:00, 3h00 ago, as far as is known"
    assert said["by"] == "alice: force off web-1 on a"


def test_what_nobody_has_seen_is_not_known() -> None:
    assert _said(_vm(reason=StateReason.SHUTDOWN))["by"] == "not known (libvirt's reason: shutdown)"
    said = _said(_vm(reason=StateReason.NONE))
    assert said["since"] == "not known: it was so when it was first seen"
    assert (said["by"], said["last"]) == ("not known", "no operation on it is known")


def test_a_stop_that_was_followed_by_a_start_or_that_failed_is_not_named() -> None:
    later = _done(StartVm, _NIGHT + timedelta(hours=1))
    assert _said(_vm(reason=StateReason.NONE), later, _done(ShutdownVm, _NIGHT))["by"] == "not known"
    failed = _done(ShutdownVm, _NIGHT, OperationState.FAILED)
    assert _said(_vm(reason=StateReason.NONE), failed)["by"] == "not known"


async def test_the_screen_of_a_vm_that_is_off_has_facts_and_no_empty_charts() -> None:
    reading = replace(a_vm("web-1", state=VmState.SHUT_OFF), state_since=_NIGHT)
    console = FakeBackend(a_fleet(a_host("a", reading)))
    console.push(OperationsChanged(operations=(_done(ShutdownVm, _NIGHT),)))
    async with at_console(console, size=SMALL) as operator:
        await operator.press("enter")
        operator.sees("since", "09:00:00", "alice: shut down web-1 on a", "2 vCPU, 1G", "Disks", "/srv/vm/web-1.qcow2")
        operator.sees("52:54:00:00:00:01", "Operations")
        operator.sees_not("CPU %", "Disk /s", "-5m")
