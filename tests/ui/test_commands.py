"""Commands from key to operation: preview, confirmation, submission, refusal, outcome."""

import asyncio
from dataclasses import replace

import pytest
from textual import events

from novacron.model.errors import BackendError
from novacron.model.operation import Acknowledgement, OperationState
from novacron.model.operations.deletion import DeleteVm
from novacron.model.operations.intent import Intent
from novacron.model.operations.power import ForceOffVm, ShutdownVm, StartVm
from novacron.model.operations.storage import DeleteVolume, SetPoolActive
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal, RefusalCode
from tests.builders import an_id
from tests.operation_builders import an_operation
from tests.ui.fake_backend import FakeBackend, a_plan_for
from tests.ui.fleet import a_migration, some_operations
from tests.ui.operator import LARGE, SMALL, Operator, a_console, at_console


async def _go_to(operator: Operator, words: str) -> None:
    await operator.press("slash")
    await operator.type(words)
    await operator.press("enter")


async def test_a_harmless_command_runs_at_once_with_the_revision_that_was_seen() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _go_to(operator, "build-2")
        await operator.press("s")
        operator.sees("accepted: start build-2")
    assert console.submitted == [StartVm(vm=an_id("build-2"), host="kvm-fra-02")]
    assert console.digests == ["digest-7"]


def _with_a_warning(intent: Intent) -> Plan | Refusal:
    plan = a_plan_for(intent)
    assert isinstance(plan, Plan)
    return replace(plan, warnings=("it is defined on kvm-fra-01, too",))


async def test_a_harmless_command_whose_plan_warns_is_shown_first() -> None:
    console = a_console()
    console.answer = _with_a_warning
    async with at_console(console) as operator:
        await _go_to(operator, "build-2")
        await operator.press("s")
        operator.sees("it is defined on kvm-fra-01, too", "Touches")
        assert console.submitted == []
        operator.sees_not("asking ...")
        await operator.press("y")
        operator.sees("accepted: start build-2")


async def test_a_harmless_command_on_several_rows_is_shown_first() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _go_to(operator, "build state:shut")
        await operator.press("asterisk", "s")
        operator.sees("start 2 VMs:")
        assert console.submitted == []
        await operator.press("y")
        operator.sees("accepted: start 2 VMs (3 shows them)")


async def test_refusals_beside_plans_are_named_where_the_question_is() -> None:
    console = a_console()
    console.answer = _refuse_web_1
    async with at_console(console) as operator:
        await _go_to(operator, "web state:running")
        await operator.press("asterisk", "d")
        operator.sees("1 refused and left out: web-1: it does not listen")
        operator.sees_not("(above)")


def _refuse_web_1(intent: Intent) -> Plan | Refusal:
    if getattr(intent, "vm", "") == an_id("web-1"):
        return Refusal(
            code=RefusalCode.WRONG_STATE, subject="web-1", reason="it does not listen", remedy="force it off"
        )
    return a_plan_for(intent)


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_command_that_stops_service_asks_and_enter_means_yes(size: tuple[int, int]) -> None:
    console = a_console()
    async with at_console(console, size=size) as operator:
        await _go_to(operator, "web-3")
        await operator.press("d")
        operator.sees("shutdown web-3 on kvm-fra-02", "Touches", "Undo", "do the opposite", "No", "Yes")
        assert console.submitted == []
        await operator.press("enter")
        operator.sees("accepted: shutdown web-3")
    assert console.submitted == [ShutdownVm(vm=an_id("web-3"), host="kvm-fra-02")]


@pytest.mark.parametrize("key", ["n", "escape", "q"])
async def test_saying_no_does_nothing(key: str) -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _go_to(operator, "web-3")
        await operator.press("d", key)
        operator.sees_not("Touches")
    assert console.submitted == []


async def test_where_nothing_can_be_undone_enter_means_no() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _go_to(operator, "web-3")
        await operator.press("b")
        operator.sees("cannot be undone")
        await operator.press("enter")
        operator.sees_not("cannot be undone")
        assert console.submitted == []
        await operator.press("b", "tab", "enter")
    assert [intent.kind for intent in console.submitted] == ["reboot"]


async def test_pulling_the_plug_needs_the_name_typed() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _go_to(operator, "web-3")
        await operator.press("F")
        operator.sees("Type web-3 to go on", "loses everything", "cannot be undone")
        await operator.press("enter", "y", "enter")
        assert console.submitted == []
        await operator.press("backspace")
        await operator.type("web-3")
        operator.sees("enter does it")
        await operator.press("enter")
    assert console.submitted == [ForceOffVm(vm=an_id("web-3"), host="kvm-fra-02")]


async def test_a_pasted_name_with_a_line_end_does_not_confirm_by_itself() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _go_to(operator, "web-3")
        await operator.press("F")
        operator.app.post_message(events.Paste("web-3\n\n"))
        await operator.settle()
        operator.sees("enter does it")
        assert console.submitted == []


async def test_a_key_pressed_before_the_plan_is_there_decides_nothing() -> None:
    console = a_console()
    console.hold = asyncio.Event()
    async with at_console(console) as operator:
        await _go_to(operator, "web-3")
        await operator.press("d")
        operator.sees("asking the hosts")
        await operator.press("y", "enter")
        console.hold.set()
        await operator.settle()
        operator.sees("Touches")
    assert console.submitted == []


async def test_keys_stay_alive_while_a_host_takes_its_time() -> None:
    console = a_console()
    console.hold = asyncio.Event()
    async with at_console(console) as operator:
        await _go_to(operator, "build-2")
        await operator.press("s", "escape", "2")
        operator.sees("kvm-ams-03")
        console.hold.set()
        await operator.settle()
    assert [intent.kind for intent in console.submitted] == ["start"]


async def test_one_command_acts_on_all_selected_and_the_confirmation_names_each() -> None:
    console = a_console()
    async with at_console(console, size=LARGE) as operator:
        await _go_to(operator, "web")
        await operator.press("asterisk", "d")
        operator.sees("shut down 5 VMs", "VM web-1 on", "VM web-10 on", an_id("web-4")[:8])
        await operator.press("y")
        operator.sees("accepted: shut down 5 VMs (3 shows them)")
    assert len(console.submitted) == 5
    assert len(console.keys) == 1, "one operation, however often it is handed over"


async def test_of_several_each_way_back_is_named_when_they_differ() -> None:
    console = a_console()

    def answer(intent: Intent) -> Plan | Refusal:
        return replace(a_plan_for(intent), undo_how=f"migrate it back to {intent.host}")

    console.answer = answer
    async with at_console(console, size=LARGE) as operator:
        await _go_to(operator, "web")
        await operator.press("asterisk", "d")
        operator.sees("web-1: migrate it back to kvm-fra-01", "migrate it back to kvm-", "and 2 more, each its own way")
        console.answer = a_plan_for
        await operator.press("escape", "d")
        operator.sees_not("each its own way")


async def test_of_several_those_that_may_not_are_left_out_and_said() -> None:
    console = a_console()

    def answer(intent: Intent) -> Plan | Refusal:
        if intent.vm == an_id("web-2"):
            return Refusal(code=RefusalCode.LOCKED, subject="web-2", reason="op-7 is under way on it", remedy="wait")
        return a_plan_for(intent)

    console.answer = answer
    async with at_console(console, size=LARGE) as operator:
        await _go_to(operator, "web")
        await operator.press("asterisk", "d")
        operator.sees("shut down 4 VMs", "Not done:", "web-2: op-7 is under way on it", "wait")
        await operator.press("y")
    assert len(console.submitted) == 4


async def test_a_refusal_is_shown_with_its_reason_and_remedy() -> None:
    console = a_console()
    console.answer = lambda _intent: Refusal(
        code=RefusalCode.UNKNOWN_ELSEWHERE,
        subject="build-2",
        reason="kvm-ams-02 had it (running) when last heard",
        remedy="bring kvm-ams-02 back",
    )
    async with at_console(console) as operator:
        await _go_to(operator, "build-2")
        await operator.press("s")
        operator.sees("kvm-ams-02 had it (running) when last heard", "bring kvm-ams-02 back")
        await operator.press("enter")
        operator.sees_not("bring kvm-ams-02 back")


async def test_a_refusal_at_the_last_moment_is_shown_too() -> None:
    console = a_console()
    calls = []

    def answer(intent: Intent) -> Plan | Refusal:
        calls.append(intent)
        if len(calls) > 1:
            return Refusal(code=RefusalCode.CHANGED, subject="build-2", reason="it is no longer on kvm-fra-02")
        return a_plan_for(intent)

    console.answer = answer
    async with at_console(console) as operator:
        await _go_to(operator, "build-2")
        await operator.press("s")
        operator.sees("it is no longer on kvm-fra-02")


async def test_a_backend_lost_in_mid_submission_is_asked_again_with_the_same_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("novacron_tui.actions.submit._RETRY_S", 0.0)
    console = a_console()
    console.submit_error = BackendError("backend", "the socket was closed")
    async with at_console(console) as operator:
        await _go_to(operator, "build-2")
        await operator.press("s")
        operator.sees("accepted: start build-2")
    assert len(console.keys) == 2
    assert len(set(console.keys)) == 1


async def test_how_it_ended_is_said_to_who_asked() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _go_to(operator, "build-2")
        await operator.press("s")
        failed = an_operation(
            1, state=OperationState.FAILED, title="start build-2", outcome="no such file (restore it)"
        )
        console.show_operations(failed)
        await operator.settle()
        operator.sees("✖ start build-2: failed: no such file (restore it)")


async def test_a_vm_shows_what_is_done_to_it_and_the_second_command_is_refused_by_its_name() -> None:
    async with at_console(a_console()) as operator:
        await _go_to(operator, "db-2")
        operator.sees("⇄ migrating 43%", "about 7s left")
        await operator.press("d")
        operator.sees("migrate db-2 from kvm-fra-02 to kvm-fra-01 (p2p) is under way")


async def test_a_migration_is_cancelled_from_its_vm_and_from_its_own_screen() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _go_to(operator, "db-2")
        await operator.press("C")
        operator.sees("Cancel this?", "migrate db-2", "43% done", "stays where it is")
        await operator.press("y")
        operator.sees("asked to stop: migrate db-2")
        await operator.press("escape", "3", "enter")
        operator.sees("43%", "guest dirties 12M/s", "iteration 1")
        await operator.press("C", "n")
        assert len(console.cancelled) == 1
        await operator.press("C", "enter")
    assert console.cancelled == [a_migration().id, a_migration().id]


async def test_what_needed_attention_is_acknowledged_with_a_note() -> None:
    console = a_console()
    async with at_console(console) as operator:
        console.show_operations(*some_operations())
        await operator.press("3")
        await _go_to(operator, "queue-1")
        await operator.press("A")
        operator.sees("Acknowledge this?", "queue-1", "What did you find or do?")
        await operator.press("enter")
        assert console.acknowledged == []
        await operator.type("it runs on ams-02")
        await operator.press("enter")
        operator.sees("acknowledged")
    assert console.acknowledged == [(an_operation(38).id, "it runs on ams-02")]


async def test_what_needs_nobody_or_was_acknowledged_is_not_asked_about() -> None:
    console = a_console()
    async with at_console(console) as operator:
        *others, unclear = some_operations()
        word = Acknowledgement(note="it runs there", actor="bob", at=unclear.accepted_at)
        console.show_operations(*others, replace(unclear, acknowledged=word))
        await operator.press("3")
        await _go_to(operator, "queue-1")
        operator.sees("dealt with")
        await operator.press("A")
        operator.sees("bob has acknowledged it")
        await operator.press("enter")
        operator.sees("acknowledged by bob", "it runs there")
    assert console.acknowledged == []


async def test_an_operation_that_has_ended_cannot_be_cancelled() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await operator.press("3", "j", "C")
        operator.sees("it has ended: done")
    assert console.cancelled == []


async def test_the_danger_menu_lists_what_can_lose_something_and_takes_its_keys() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _go_to(operator, "build-2")
        await operator.press("x")
        operator.sees("Force off", "build-2 is shut off", "Delete it with its disks")
        await operator.press("E")
        operator.sees("Type build-2 to go on")
        await operator.type("build-2")
        await operator.press("enter")
    assert console.submitted == [DeleteVm(vm=an_id("build-2"), host="kvm-fra-02", with_disks=True)]


async def test_the_palette_finds_commands_and_says_why_others_are_not_possible() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _go_to(operator, "build-2")
        await operator.press("ctrl+p")
        await operator.type("paus")
        operator.sees("Pause", "build-2 is shut off and cannot be paused")
        await operator.press("enter")
        operator.sees("Pause")
        await operator.press("escape", "colon")
        await operator.type("start")
        await operator.press("enter")
    assert [intent.kind for intent in console.submitted] == ["start"]


async def test_pools_are_stopped_and_volumes_deleted_with_their_names_typed() -> None:
    console = a_console()
    async with at_console(console, size=LARGE) as operator:
        await operator.press("4")
        await _go_to(operator, "shared host:fra-01")
        await operator.press("S", "y")
        await operator.press("enter")
        operator.sees("Pool shared on kvm-fra-01")
        await operator.press("escape", "escape")
        await _go_to(operator, "local host:fra-01")
        await operator.press("enter", "D")
        operator.sees("Type debian-12.qcow2 to go on")
        await operator.type("debian-12.qcow2")
        await operator.press("enter")
    assert console.submitted == [
        SetPoolActive(host="kvm-fra-01", pool="shared", active=False),
        DeleteVolume(host="kvm-fra-01", pool="local", volume="debian-12.qcow2"),
    ]


async def test_a_silent_host_is_tried_again_by_a_key() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await operator.press("2", "r")
        operator.sees("kvm-ams-01 answers already")
        await operator.press("j", "r")
        operator.sees("trying kvm-ams-02 again")
    assert console.reconnected == ["kvm-ams-02"]


async def test_operations_of_others_are_seen_with_their_outcome() -> None:
    console = FakeBackend(a_console()._fleet)
    async with at_console(console, size=LARGE) as operator:
        await operator.press("3")
        operator.sees("Nothing was asked for yet")
        console.show_operations(*some_operations())
        await operator.settle()
        operator.sees("! attention", "whether it still runs there is not known", "restore its disk")
