"""A person's word for hosts that cannot be asked: typed by name, shown with the plan, and never given by one key."""

from dataclasses import replace

from novacron.model.ids import HostId
from novacron.model.operations.intent import Intent
from novacron.model.operations.power import StartVm
from novacron.model.plan.plan import Danger, Plan
from novacron.model.refusal import Refusal, RefusalCode
from tests.builders import an_id
from tests.ui.fake_backend import FakeBackend, a_plan_for
from tests.ui.operator import Operator, a_console, at_console

_SILENT = (HostId("kvm-2"), HostId("kvm-3"))


def _plans_with_a_word_only(intent: Intent) -> Plan | Refusal:
    if isinstance(intent, StartVm) and intent.vouched == _SILENT:
        plan = a_plan_for(intent)
        assert isinstance(plan, Plan)
        return replace(plan, warnings=("you vouch that kvm-2 does not have it",), danger=Danger.TYPE_NAME)
    return Refusal(
        code=RefusalCode.UNKNOWN_ELSEWHERE,
        subject="build-2",
        reason="kvm-2, which was never read, does not answer",
        remedy="have kvm-2, kvm-3 answer",
        vouch_for=_SILENT,
    )


async def _start_build_2(operator: Operator) -> None:
    await operator.press("slash")
    await operator.type("build-2")
    await operator.press("enter", "s")


def _console() -> FakeBackend:
    console = a_console()
    console.answer = _plans_with_a_word_only
    return console


async def test_who_types_the_hosts_names_is_shown_the_plan_and_asked_again() -> None:
    console = _console()
    async with at_console(console) as operator:
        await _start_build_2(operator)
        operator.sees("kvm-2, which was never read", "V vouches for hosts that cannot be asked")
        await operator.press("V")
        operator.sees("Type kvm-2 kvm-3 to go on", "The journal keeps it")
        await operator.type("kvm-2")
        await operator.press("enter")
        assert console.submitted == [], "every host has to be named"
        await operator.type(" kvm-3")
        await operator.press("enter")
        operator.sees("you vouch that kvm-2 does not have it", "Type build-2 to go on")
        assert console.submitted == []
        await operator.type("build-2")
        await operator.press("enter")
        operator.sees("accepted: start build-2")
    assert console.submitted == [StartVm(vm=an_id("build-2"), host=HostId("kvm-fra-02"), vouched=_SILENT)]


async def test_esc_leaves_it_without_a_word() -> None:
    console = _console()
    async with at_console(console) as operator:
        await _start_build_2(operator)
        await operator.press("V")
        await operator.type("kvm-2 kvm-3")
        await operator.press("escape")
        operator.sees_not("Type kvm-2")
    assert console.submitted == []


async def test_a_refusal_that_nobody_may_vouch_against_offers_nothing() -> None:
    console = a_console()
    console.answer = lambda _: Refusal(code=RefusalCode.ACTIVE_ELSEWHERE, subject="build-2", reason="it runs on kvm-2")
    async with at_console(console) as operator:
        await _start_build_2(operator)
        operator.sees("it runs on kvm-2")
        operator.sees_not("vouch")
        await operator.press("V")
        operator.sees_not("Type ")
