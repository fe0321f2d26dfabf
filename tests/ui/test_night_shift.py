"""What an operator meets at three in the morning: each of these was met at a terminal, and cost something."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from textual import events

from novacron.model.fleet import Fleet
from novacron.model.ids import HostId
from novacron.model.link import LinkStatus
from novacron.model.operation import Operation, OperationState, Progress
from novacron.model.operations.storage import DeleteVolume
from novacron.model.vm import StateReason, VmState
from novacron.ports.backend import AlertsChanged, OperationsChanged
from novacron_tui.present.confirm import Review, review_lines
from novacron_tui.present.glyphs import UNICODE
from tests.builders import NOW, a_fleet, a_host, a_link, a_reading, a_vm, an_id
from tests.operation_builders import an_alert, an_operation, some_samples
from tests.ui.fake_backend import NAMES, FakeBackend, a_plan_for
from tests.ui.fleet import a_mixed_fleet, some_operations
from tests.ui.operator import SMALL, Operator, a_console, at_console


async def _filter(operator: Operator, words: str) -> None:
    await operator.press("slash")
    await operator.type(words)
    await operator.press("enter")


def _many(count: int) -> Fleet:
    vms = [a_vm(f"vm-{number}") for number in range(count)]
    NAMES.update({vm.id: vm.name for vm in vms})
    return a_fleet(a_host("kvm-1", reading=a_reading("kvm-1", *vms)))


# Filters


async def test_a_word_of_a_filter_never_finds_a_vm_by_chance_in_its_uuid() -> None:
    """`/db-`, `*`, `F` must not pull the plug of build-7 because its UUID has "db-" in the middle."""
    vm = replace(a_vm("build-7"), id="2a681952-d9db-4d24-aba6-a22969d220eb")
    console = FakeBackend(a_fleet(a_host("kvm-1", reading=a_reading("kvm-1", vm, a_vm("db-1")))))
    async with at_console(console) as operator:
        await _filter(operator, "db-")
        operator.sees("1 of 2", "db-1")
        operator.sees_not("build-7")
        await operator.press("slash", "ctrl+u")
        await operator.type("2a681952")
        await operator.press("enter")
        operator.sees("build-7")


async def test_a_message_does_not_cover_the_filter_that_is_typed() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await operator.press("s")
        operator.sees("cannot be started")
        await operator.press("slash")
        await operator.type("web")
        assert operator.lines[-2].startswith(" / web")


async def test_panes_keep_their_keys_while_a_filter_is_shown() -> None:
    async with at_console(a_console(), size=SMALL) as operator:
        await _filter(operator, "host:kvm-fra state:running")
        tabs = operator.lines[1]
        for key in "12345":
            assert f" {key}" in tabs, tabs
        assert "of 19" in tabs


# Dialogs


@pytest.mark.parametrize("size", [SMALL, (60, 12), (200, 50)])
async def test_a_confirmation_of_many_shows_its_question_without_scrolling(size: tuple[int, int]) -> None:
    console = FakeBackend(_many(300))
    async with at_console(console, size=size) as operator:
        await operator.press("asterisk", "F")
        operator.sees("force off 300 VMs", "Type 300 VMs to go on", "esc leaves it", "pgdn")
        await operator.press("pagedown", "pagedown", "pageup", "pageup", "pageup")
        operator.sees("force off 300 VMs", "Type 300 VMs to go on")
        for _ in range(60):
            await operator.pilot.press("pagedown")
        await operator.settle()
        operator.sees("Type 300 VMs to go on", "cannot be undone")
        operator.sees_not("VM vm-0 on")


async def test_of_many_that_are_asked_about_it_is_seen_how_many_have_answered() -> None:
    console = FakeBackend(_many(60))
    async with at_console(console) as operator:
        answers = iter(range(60))
        plan = console.answer

        def slow(intent: object) -> object:
            if next(answers) == 29:
                console.hold = asyncio.Event()
            return plan(intent)  # type: ignore[arg-type]

        console.answer = slow  # type: ignore[assignment]
        await operator.press("asterisk", "F")
        assert re.search(r"asking the hosts \.\.\. (2[5-9]|30) of 60", operator.text)
        await operator.press("escape")
        operator.sees_not("asking")


async def test_those_of_a_selection_that_are_left_out_are_counted_and_the_first_says_why() -> None:
    async with at_console(a_console()) as operator:
        await _filter(operator, "build")
        await operator.press("asterisk", "d")
        operator.sees("of 3 selected are left out")


async def test_several_volumes_are_not_called_vms() -> None:
    intents = [DeleteVolume(host=HostId("kvm-1"), pool="local", volume=f"old-{at}.qcow2") for at in range(3)]
    review = Review(plans=tuple(a_plan_for(intent) for intent in intents))
    assert review.word == "3 volumes"
    assert "delete 3 volumes:" in "".join(part.text for part in review_lines(review, 70, UNICODE)[0])


async def test_the_longest_form_shows_the_answer_and_keys_on_the_smallest_terminal() -> None:
    async with at_console(a_console(), size=SMALL) as operator:
        await operator.press("n")
        await operator.type("app-7")
        for _ in range(3):
            await operator.press("tab")
        await operator.press("shift+tab", "shift+tab")
        operator.sees("▸ On host", "create app-7", "enter review", "esc leave")
        for _ in range(9):
            await operator.press("tab")
            operator.sees("▸ ", "enter review", "create app-7")


async def test_a_host_among_hundreds_is_found_by_typing_a_part_of_its_name() -> None:
    hosts = (a_host(f"kvm-{site}-{number:03}") for site in ("ams", "fra") for number in range(150))
    async with at_console(FakeBackend(a_fleet(*hosts))) as operator:
        await operator.press("n")
        await operator.type("app-7")
        await operator.press("tab")
        await operator.type("fra-07")
        assert "kvm-fra-070" in operator.line_with("▸ On host")
        await operator.type("3x")
        operator.sees("none has that")
        assert "kvm-fra-073" in operator.line_with("▸ On host")
        await operator.press("backspace", "right")
        assert "kvm-fra-074" in operator.line_with("▸ On host")


async def test_cancelling_asks_first_names_what_it_is_and_enter_or_escape_decides() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await operator.press("3", "C")
        operator.sees("Cancel this?", "migrate db-2", "43% done", "stays where it is")
        await operator.press("escape")
        assert console.cancelled == []
        await operator.press("C", "right", "enter")
        assert console.cancelled == []
        await operator.press("C", "y")
        assert len(console.cancelled) == 1


# What happened


def _failed(number: int, subject: str) -> Operation:
    return an_operation(
        number,
        title=f"start {subject} on kvm-fra-01",
        subject=subject,
        state=OperationState.FAILED,
        outcome="no such file",
    )


async def test_a_failure_stays_on_screen_until_somebody_has_seen_it() -> None:
    console = a_console()
    async with at_console(console) as operator:
        for failed in (_failed(51, "a"), _failed(52, "b")):
            operator.app.notices.follow(failed.id)
        console.push(OperationsChanged(operations=(_failed(51, "a"), _failed(52, "b"))))
        await operator.settle()
        operator.sees("2 failed")
        for _ in range(30):
            operator.app.tick()
        await operator.press("j")
        operator.sees("start b on kvm-fra-01: failed and 1 more", "esc seen")
        await operator.press("escape")
        operator.sees_not("and 1 more")


async def test_what_was_asked_for_last_is_under_the_cursor_of_the_operations() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await operator.press("3", "j", "j", "1")
        await _filter(operator, "build-2")
        await operator.press("s")
        mine = an_operation(1, title="start build-2 on kvm-fra-02")
        console.push(OperationsChanged(operations=(mine, *some_operations())))
        await operator.settle()
        await operator.press("3", "enter")
        operator.sees("Operation start build-2")


async def test_looking_at_a_failed_operation_counts_as_having_seen_it() -> None:
    console = a_console()
    async with at_console(console) as operator:
        operator.app.notices.follow(_failed(51, "a").id)
        console.push(OperationsChanged(operations=(_failed(51, "a"),)))
        await operator.settle()
        await operator.press("3")
        assert operator.app.notices.line(operator.app.glyphs) == ()


async def test_a_shutdown_that_waits_for_its_guest_is_not_said_to_take_for_ever() -> None:
    waiting = an_operation(
        7, title="shut down web-1", state=OperationState.RUNNING, progress=Progress(note="waiting for the guest")
    )
    console = a_console()
    async with at_console(console) as operator:
        console.push(OperationsChanged(operations=(waiting,)))
        await operator.press("3")
        operator.sees("shut down web-1")
        operator.sees_not("never?")


# What is true


async def test_a_backend_that_has_just_begun_calls_no_host_down() -> None:
    hosts = [a_host(f"kvm-{n}", never_read=True, link=a_link(LinkStatus.CONNECTING)) for n in range(3)]
    async with at_console(FakeBackend(a_fleet(*hosts))) as operator:
        operator.sees("hosts 0/3", "3 asked")
        operator.sees_not("down")


async def test_a_crashed_vm_is_never_counted_among_those_shut_down() -> None:
    vm = a_vm("web-9", state=VmState.SHUT_OFF, reason=StateReason.CRASHED)
    console = FakeBackend(a_fleet(a_host("kvm-1", reading=a_reading("kvm-1", vm, a_vm("web-1")))))
    async with at_console(console) as operator:
        assert "✖1" in operator.lines[0]
        assert "○" not in operator.lines[0]
        assert "✖ crashed" in operator.line_with("web-9")
        await _filter(operator, "state:crashed")
        operator.sees("web-9", "1 of 2")


async def test_an_empty_pane_names_no_key_that_does_nothing_and_claims_nothing() -> None:
    console = FakeBackend(a_mixed_fleet())
    async with at_console(console) as operator:
        await operator.press("5")
        operator.sees("No alert")
        operator.sees_not("every host answers")
        footer = operator.lines[-1]
        assert "detail" not in footer
        assert "select" not in footer


async def test_a_vm_in_trouble_says_in_full_what_is_wrong_and_what_to_do() -> None:
    console = a_console()
    remedy = "make room under its disk on kvm-fra-01, then resume it: nothing is lost while it is paused here"
    alert = replace(
        an_alert(subject="mail-1", text="no space left under its disk", raised_at=NOW - timedelta(minutes=3)),
        vm=an_id("mail-1"),
        remedy=remedy,
    )
    async with at_console(console) as operator:
        console.push(AlertsChanged(alerts=(alert,)))
        await _filter(operator, "mail-1")
        await operator.press("enter")
        operator.sees("no space left under its disk", "What to do: make room", "while it is paused")


async def test_a_vm_that_is_off_shows_all_its_facts_on_a_narrow_screen() -> None:
    async with at_console(a_console(), size=SMALL) as operator:
        await _filter(operator, "build-2")
        await operator.press("enter")
        operator.sees("autostart no", "Shut off", "since", "last", "Disks", "Network", "Identity")


async def test_of_a_vm_nobody_hears_from_no_number_is_shown_as_if_it_were_now() -> None:
    console = a_console()
    console.some_samples = some_samples()
    async with at_console(console, size=(120, 40)) as operator:
        await _filter(operator, "cache-3")
        await operator.press("enter")
        operator.sees("it was running 14s ago", "CPU % ?", "Memory ?", "What to do:")


async def test_an_alert_about_a_host_does_not_say_unreachable_twice() -> None:
    console = a_console()
    alert = an_alert(subject="kvm-ams-02", text="stale: its libvirt did not answer within 8 s")
    async with at_console(console) as operator:
        console.push(AlertsChanged(alerts=(alert,)))
        await operator.press("5")
        operator.sees("host stale: its libvirt")


async def test_text_pasted_into_a_number_leaves_its_digits_alone() -> None:
    async with at_console(a_console()) as operator:
        await _filter(operator, "web-10")
        await operator.press("z", "ctrl+u")
        operator.app.post_message(events.Paste("vcpus: 3\n"))
        await operator.settle()
        assert operator.line_with("▸ vCPUs").split()[3] == "3"


# Finding one's way


@pytest.mark.parametrize(
    ("typed", "seen"), [("ops", "ACCEPTED"), ("nodes", "LINK"), ("pools", "POOL"), ("vms", "NAME")]
)
async def test_the_palette_knows_the_words_of_other_consoles(typed: str, seen: str) -> None:
    async with at_console(a_console(), size=(120, 30)) as operator:
        await operator.press("4", "colon")
        await operator.type(typed)
        await operator.press("enter")
        operator.sees(seen)


async def test_colon_q_leaves() -> None:
    async with at_console(a_console()) as operator:
        await operator.press("colon")
        await operator.type("q")
        await operator.press("enter")
        assert not operator.app.is_running


async def test_a_text_longer_than_the_screen_says_how_much_there_is() -> None:
    async with at_console(a_console(), size=SMALL) as operator:
        await operator.press("question_mark")
        assert "lines 1 to 20 of" in operator.lines[-2]
        assert "more" in operator.lines[-2]
        await operator.press("G")
        assert "k pgup more" in operator.lines[-2]


async def test_help_names_the_danger_menu_only_where_something_is_dangerous() -> None:
    async with at_console(a_console(), size=(120, 50)) as operator:
        await operator.press("5", "question_mark")
        operator.sees_not("danger", "Danger")
        await operator.press("escape", "1", "question_mark")
        operator.sees("Danger", "force off")
