"""An operation of a kind that this console does not know, as a newer backend may write it, is shown like any other."""

from dataclasses import replace

import pytest

from novacron.model.alert.alert import Severity
from novacron.model.ids import HostId
from novacron.model.link import LinkStatus
from novacron.model.operation import ENDED, Operation, OperationState, StepState
from novacron.model.operations.unknown import UnknownIntent
from novacron.model.vm import StateReason, VmState
from novacron_tui.present.glyphs import UNICODE
from novacron_tui.present.words import link_sign, severity_sign, state_sign, step_sign, vm_glyph, vm_role
from tests.builders import a_link, an_id
from tests.operation_builders import an_operation
from tests.ui.fake_backend import FakeBackend
from tests.ui.fleet import a_mixed_fleet
from tests.ui.operator import LARGE, SMALL, at_console

INTENT = UnknownIntent(
    host=HostId("kvm-fra-01"),
    named="take-snapshot",
    vm=an_id("web-1"),
    content='{"kind":"take-snapshot","memory":true}',
)


def _operation(number: int = 900, *, state: OperationState = OperationState.RUNNING) -> Operation:
    return an_operation(number, intent=INTENT, title="take snapshot of web-1", subject="web-1", state=state)


def _console(operation: Operation) -> FakeBackend:
    console = FakeBackend(a_mixed_fleet())
    console.show_operations(operation)
    return console


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_it_is_shown_on_its_vm_in_its_pane_and_in_full(size: tuple[int, int]) -> None:
    async with at_console(_console(_operation()), size=size) as operator:
        assert "take snapshot" in operator.line_with("web-1 ")
        await operator.press("3")
        operator.sees("take snapshot of web-1")
        await operator.press("enter")
        operator.sees("kind=take-snapshot", '"memory":true', "this version does not know this kind")
        operator.sees_not("named=")


async def test_a_filter_finds_it_by_its_own_kind() -> None:
    async with at_console(_console(_operation())) as operator:
        await operator.press("3")
        await operator.type("/kind:take-snapshot")
        operator.sees("1 of 1")


@pytest.mark.parametrize("state", sorted(ENDED))
async def test_its_end_is_said(state: OperationState) -> None:
    console = _console(_operation())
    async with at_console(console) as operator:
        operator.app.notices.follow(_operation().id)
        console.show_operations(replace(_operation(state=state), outcome="as the newer backend put it"))
        await operator.settle()
        operator.sees("take snapshot of web-1", str(state))


async def test_the_question_before_it_is_cancelled_names_it() -> None:
    async with at_console(_console(replace(_operation(), can_cancel=True))) as operator:
        await operator.press("3", "C")
        operator.sees("Cancel this?", "take snapshot of web-1", "What was done so far is not taken back.")


def test_every_state_that_can_be_shown_has_its_sign() -> None:
    for state in OperationState:
        assert all(state_sign(state, UNICODE))
    for step in StepState:
        assert all(step_sign(step, UNICODE))
    for severity in Severity:
        assert all(severity_sign(severity, UNICODE))
    for vm in VmState:
        assert vm_glyph(vm, UNICODE)
        assert all(vm_role(vm, reason) for reason in StateReason)
    for link in LinkStatus:
        assert all(link_sign(replace(a_link(), status=link), UNICODE))
