"""What is asked for happens to what was seen, or does not happen and is told: whatever comes between."""

import asyncio
from collections.abc import Sequence

import pytest

from novacron.model.caller import Caller
from novacron.model.errors import BackendError, LinkLost
from novacron.model.fleet import Fleet
from novacron.model.link import LinkStatus
from novacron.model.operation import Operation
from novacron.model.operations.batch import BatchChild
from novacron.model.operations.intent import Intent
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal, RefusalCode
from novacron.model.vm import VmState
from novacron.ports.backend import BackendLost
from novacron_tui.bridge import Bridge
from novacron_tui.screens.confirm import ConfirmScreen
from novacron_tui.screens.fleet import FleetScreen
from novacron_tui.screens.host import HostScreen
from novacron_tui.screens.pool import PoolScreen
from novacron_tui.screens.serial import SerialScreen
from novacron_tui.screens.vm import VmScreen
from novacron_tui.widgets.guest_screen import GuestScreen
from tests.builders import NOW, a_fleet, a_host, a_pool, a_reading, a_vm, an_id
from tests.callers import ALICE
from tests.ui.fake_backend import NAMES, FakeBackend, a_plan_for
from tests.ui.operator import Operator, at_console

_LONG_S = 1e6


def _fleet(*off: str, running: tuple[str, ...] = (), revision: int = 1, host: str = "kvm-1") -> Fleet:
    """Return a host that is up, with VMs that are shut off and others that run; and one with VMs of its own."""
    for name in (*off, *running, "elsewhere"):
        NAMES[an_id(name)] = name
    vms = [a_vm(name, state=VmState.SHUT_OFF) for name in off] + [a_vm(name) for name in running]
    other = "kvm-2" if host == "kvm-1" else "kvm-1"
    return a_fleet(
        a_host(host, reading=a_reading(host, *vms, pools=(a_pool("local"),))),
        a_host(other, reading=a_reading(other, a_vm("elsewhere"))),
        revision=revision,
    )


def _unread(revision: int) -> Fleet:
    return a_fleet(
        *(a_host(name, never_read=True, link=LinkStatus.CONNECTING) for name in ("kvm-1", "kvm-2")), revision=revision
    )


async def _filter(operator: Operator, text: str) -> None:
    await operator.press("slash")
    await operator.type(text)
    await operator.press("enter")


def _kinds(console: FakeBackend) -> list[tuple[str, str]]:
    return [(intent.kind, NAMES[intent.vm]) for intent in console.submitted]


async def test_a_second_key_for_a_row_that_went_meets_no_neighbour() -> None:
    console = FakeBackend(_fleet("a", "b", "c"))
    async with at_console(console) as operator:
        await _filter(operator, "state:shut")
        await operator.press("s")
        console.show_fleet(_fleet("b", "c", running=("a",), revision=2))
        for _ in range(13):
            operator.app.tick()
        await operator.settle()
        operator.sees("no longer shown here")
        operator.sees_not("space select")
        await operator.press("s", "a", "x", "escape")
        assert _kinds(console) == [("start", "a")]
        await operator.press("j", "s")
    assert _kinds(console) == [("start", "a"), ("start", "b")]


async def test_a_selection_that_went_is_not_replaced_by_the_row_under_the_cursor() -> None:
    console = FakeBackend(_fleet("a", "b", "c"))
    async with at_console(console) as operator:
        await _filter(operator, "state:shut")
        await operator.press("space")
        console.show_fleet(_fleet("b", "c", running=("a",), revision=2))
        await operator.settle()
        await operator.press("s")
        operator.sees("no VM is under the cursor")
    assert console.submitted == []


async def test_a_backend_that_starts_anew_moves_no_cursor_and_calls_no_vm_lost() -> None:
    console = FakeBackend(_fleet("a", "b", "c"))
    async with at_console(console) as operator:
        await operator.press("j", "space", "k")
        for fleet in (_unread(2), a_fleet(*_unread(3).hosts.values(), revision=3)):
            console.show_fleet(fleet)
            await operator.settle()
            operator.sees("alerts ?")
            await operator.press("s")
        console.show_fleet(_fleet("a", "b", "c", revision=4))
        await operator.settle()
        operator.sees("1 selected", "no alerts")
        await operator.press("s")
    assert _kinds(console) == [("start", "b")]


@pytest.mark.parametrize("kind", ["vm", "pool"])
async def test_what_no_host_has_told_of_yet_is_not_called_gone(kind: str) -> None:
    console = FakeBackend(_fleet("a"))
    async with at_console(console) as operator:
        await operator.press(*(("enter",) if kind == "vm" else ("4", "enter")))
        assert isinstance(operator.app.screen, VmScreen if kind == "vm" else PoolScreen)
        console.show_fleet(_unread(2))
        await operator.settle()
        operator.sees("not known: nothing was heard from")
        operator.sees_not("no longer", "it is gone")
        console.show_fleet(a_fleet(*(a_host(name, reading=a_reading(name)) for name in ("kvm-1", "kvm-2")), revision=3))
        await operator.settle()
        operator.sees("no longer known on any host" if kind == "vm" else "it is gone")


async def test_a_host_that_left_the_fleet_is_not_shown_as_up() -> None:
    console = FakeBackend(_fleet("a"))
    async with at_console(console) as operator:
        await operator.press("2", "enter")
        assert isinstance(operator.app.screen, HostScreen)
        console.show_fleet(a_fleet(a_host("kvm-2", reading=a_reading("kvm-2")), revision=2))
        await operator.settle()
        operator.sees("no longer in this fleet")
        operator.sees_not("● up")


async def test_the_rest_of_a_sentence_typed_into_a_guest_operates_nothing_when_its_line_ends() -> None:
    console = FakeBackend(_fleet(running=("a",)))
    async with at_console(console, guard_s=_LONG_S) as operator:
        operator.look()
        await operator.press("c", "v", "i")
        console.serial.guest.put_nowait(b"")
        await operator.settle()
        await operator.press("escape", "q", "s", "a", "enter", "F")
        assert isinstance(operator.app.screen, SerialScreen)
        assert console.forced == [False]
        operator.look()
        await operator.press("q")
        assert isinstance(operator.app.screen, FleetScreen)
    assert console.serial.typed == b"vi"
    assert console.submitted == []


async def test_a_console_opened_again_after_a_migration_asks_the_host_where_the_vm_is() -> None:
    console = FakeBackend(_fleet(running=("a",)))
    asked = []
    opened = console.open_serial

    async def open_serial(caller, vm, host, *, force=False):
        asked.append(host)
        return await opened(caller, vm, host, force=force)

    console.open_serial = open_serial
    async with at_console(console) as operator:
        await operator.press("c")
        console.serial.guest.put_nowait(b"")
        console.show_fleet(_fleet(running=("a",), host="kvm-2", revision=2))
        await operator.settle()
        operator.sees("on kvm-2")
        await operator.press("enter")
    assert asked == ["kvm-1", "kvm-2"]


def _refused(intent: Intent) -> Plan | Refusal:
    if NAMES[intent.vm] == "b":
        return Refusal(code=RefusalCode.CHANGED, subject="b", reason="it is being looked at")
    return a_plan_for(intent)


async def test_a_question_that_comes_late_is_not_put_over_another_screen() -> None:
    console = FakeBackend(_fleet("a", "b", running=("c",)))
    console.answer, console.hold = _refused, asyncio.Event()
    async with at_console(console) as operator:
        await operator.press("space", "space", "s", "escape", "G", "c")
        assert isinstance(operator.app.screen, SerialScreen)
        console.hold.set()
        await operator.settle()
        await operator.type("ls")
        await operator.press("enter")
        assert isinstance(operator.app.screen, SerialScreen)
        await operator.press("ctrl+right_square_bracket")
        operator.sees("not done", "it is being looked at")
        await operator.press("escape")
        operator.sees_not("it is being looked at")
    assert console.serial.typed == b"ls\r"
    assert console.submitted == []


async def test_two_commands_given_one_after_the_other_are_both_carried_out() -> None:
    console = FakeBackend(_fleet("a", "b"))
    console.hold = asyncio.Event()
    async with at_console(console) as operator:
        await operator.press("s", "j", "s")
        console.hold.set()
        await operator.settle()
    assert sorted(_kinds(console)) == [("start", "a"), ("start", "b")]


class _Failing(FakeBackend):
    """Cannot be reached when it is asked for one VM."""

    def __init__(self, fleet: Fleet, error: Exception, vm: str) -> None:
        super().__init__(fleet)
        self._error, self._vm = error, vm
        self.limit: asyncio.Event | None = None

    async def submit(self, caller: Caller, intent: Intent, **how) -> Operation | Refusal:
        if self.limit is not None:
            await self.limit.wait()
        if NAMES[intent.vm] == self._vm:
            raise self._error
        return await super().submit(caller, intent, **how)

    async def submit_batch(self, caller: Caller, children: Sequence[BatchChild], **how) -> Operation | Refusal:
        if self.limit is not None:
            await self.limit.wait()
        if any(NAMES[child.intent.vm] == self._vm for child in children):
            raise self._error
        return await super().submit_batch(caller, children, **how)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (BackendError("backend", "it does not answer"), "not known whether it was accepted"),
        (LinkLost("kvm-1", "gone"), "gone"),
    ],
)
async def test_what_became_of_a_batch_that_could_not_be_handed_over_is_told(
    error: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("novacron_tui.actions.submit._RETRY_S", 0.0)
    console = _Failing(_fleet("a", "b", "c"), error, "b")
    async with at_console(console, size=(160, 30)) as operator:
        await operator.press("asterisk", "s", "y")
        await operator.settle()
        assert console.submitted == []
        for _ in range(20):
            operator.app.tick()
        await operator.settle()
        operator.sees("start 3 VMs", said)
        operator.sees_not("accepted:")


async def test_one_of_a_batch_that_is_refused_by_then_keeps_none_of_the_others_back() -> None:
    console = FakeBackend(_fleet("a", "b", "c"))

    def refuse_b(intent: Intent) -> Plan | Refusal:
        if NAMES[intent.vm] != "b":
            return a_plan_for(intent)
        return Refusal(code=RefusalCode.WRONG_STATE, subject="b", reason="it runs already", remedy="look again")

    async with at_console(console, size=(160, 30)) as operator:
        await operator.press("asterisk", "s")
        console.answer = refuse_b
        await operator.press("y")
        await operator.settle()
        assert _kinds(console) == [("start", "a"), ("start", "c")]
        operator.sees("b: it runs already")
        await operator.press("escape")
        operator.sees("accepted: start 3 VMs, 1 of them refused")


async def test_a_batch_waits_for_a_backend_that_is_lost_however_long_that_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("novacron_tui.actions.submit._RETRY_S", 0.0)
    console = _Failing(_fleet("a", "b"), BackendError("backend", "none is running"), "a")
    async with at_console(console) as operator:
        console.push(BackendLost(since=NOW, cause="none is running"))
        await operator.settle()
        await operator.press("asterisk", "s", "y")
        for _ in range(50):
            await asyncio.sleep(0)
        operator.sees("start 2 VMs: to be handed over once the backend is back")
        console._vm = ""
        await operator.settle()
        await operator.settle()
    assert sorted(_kinds(console)) == [("start", "a"), ("start", "b")]


async def test_detaching_asks_again_while_something_confirmed_is_not_handed_over() -> None:
    console = _Failing(_fleet("a", "b", "c"), LinkLost("kvm-1", "gone"), "")
    console.limit = asyncio.Event()
    async with at_console(console) as operator:
        await operator.press("asterisk", "s", "y", "q")
        assert operator.app.is_running
        operator.sees("3 not handed over to the backend yet")
        console.limit.set()
        await operator.settle()
        assert len(console.submitted) == 3
        console.limit.clear()
        await operator.press("s", "y", "q")
        assert operator.app.is_running, "who was warned of one batch was not warned of the next"
        console.limit.set()
        await operator.settle()
        await operator.press("q")
    assert operator.app.return_code == 0


async def test_time_goes_on_behind_an_open_box() -> None:
    console = FakeBackend(_fleet("a"))
    async with at_console(console, size=(120, 30)) as operator:
        console.push(BackendLost(since=NOW, cause="none is running"))
        await operator.settle()
        await operator.press("colon")
        shown_at = operator.app.now()
        operator.app.now = lambda: shown_at.replace(hour=shown_at.hour + 1)
        operator.app.tick()
        await operator.settle()
        operator.sees("backend lost 1h00")


async def test_what_is_left_out_of_a_harmless_command_is_told() -> None:
    console = FakeBackend(_fleet("a", "b", running=("c",)))
    async with at_console(console, size=(160, 30)) as operator:
        await operator.press("asterisk", "s", "y")
        operator.sees("accepted: start 2 VMs", "2 of 4 selected are left out: c is running")


async def test_a_guest_that_heaps_marks_on_one_character_holds_nobody_up() -> None:
    screen = GuestScreen(80, 24, lambda _: None)
    for _ in range(20):
        screen.feed(("x" + "\u0301" * 5000).encode())
        screen.feed(b"\x1b[H" + "\u0302".encode() * 5000)
    longest = max(len(cell.data) for row in screen._screen.buffer.values() for cell in row.values())
    assert longest < 12
    screen.feed("\x1b[2J\x1b[He\u0301a\u0308".encode())
    assert [screen._screen.buffer[0][column].data for column in range(2)] == ["é", "ä"]


async def test_a_stream_that_fails_in_an_unforeseen_way_is_taken_up_again() -> None:
    class Broken(FakeBackend):
        async def changes(self, caller):
            raise RuntimeError("no memory")
            yield

    posted = []
    console = Broken(_fleet("a"))
    bridge = Bridge(console, ALICE, posted.append, lambda: NOW)
    bridge.start()
    for _ in range(20):
        await asyncio.sleep(0)
    await bridge.stop()
    assert "no memory" in posted[0].change.cause


async def test_a_name_of_blanks_is_confirmed_by_its_uuid() -> None:
    console = FakeBackend(_fleet(" "))
    async with at_console(console) as operator:
        await operator.press("E")
        assert isinstance(operator.app.screen, ConfirmScreen)
        operator.sees(f"Type {an_id(' ')[:8]} to go on")
        await operator.press("enter")
        assert isinstance(operator.app.screen, ConfirmScreen)
    assert console.submitted == []


async def test_the_footer_names_what_keys_do_while_a_filter_is_typed() -> None:
    async with at_console(FakeBackend(_fleet("a"))) as operator:
        await operator.press("slash")
        operator.sees("enter keep this filter", "esc as before")
        operator.sees_not("q detach")
