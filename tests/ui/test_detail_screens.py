"""Detail screens, XML, help and the serial console, by key presses."""

import asyncio

import pytest
from textual.widget import Widget

from novacron.model.errors import Conflict, LinkLost
from novacron.model.ids import HostId
from novacron.model.operations.resizing import ResizeVm
from novacron.model.vm import VmNic, VmSize, VmSizing, VmState
from novacron_tui.app import NovaCronApp
from novacron_tui.keys import KeyScope
from novacron_tui.present.cells import Role, span
from novacron_tui.screens.help import HelpScreen
from novacron_tui.screens.vm import VmScreen
from novacron_tui.screens.xml import XmlScreen
from tests.builders import a_disk, a_fleet, a_host, a_vm, an_id
from tests.operation_builders import some_samples
from tests.ui.fake_backend import FakeBackend
from tests.ui.fleet import SHOWN_AT, a_mixed_fleet
from tests.ui.operator import LARGE, SMALL, Operator, a_console, at_console


async def _go_to(operator: Operator, words: str) -> None:
    await operator.press("slash")
    await operator.type(words)
    await operator.press("enter")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_vm_in_full_has_plots_disks_and_interfaces(size: tuple[int, int]) -> None:
    console = a_console()
    console.some_samples = some_samples(until=SHOWN_AT)
    async with at_console(console, size=size) as operator:
        await _go_to(operator, "web-1")
        await operator.press("enter")
        operator.sees("● running", "CPU %", "Memory", "Disk /s", "Network /s", "-5m", "now")
        await operator.press("G")
        operator.sees("/srv/vm/web-1.qcow2", "52:54:00:00:00:01", "start web-1 on kvm-fra-01")
        await operator.press("escape")
        operator.sees("NAME▲")


async def test_a_vm_is_followed_when_it_moves_to_another_host() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _go_to(operator, "web-1")
        await operator.press("enter")
        operator.sees("kvm-fra-01 (fra)")
        console.show_fleet(a_fleet(a_host("kvm-fra-09", a_vm("web-1"))))
        await operator.settle()
        operator.sees("kvm-fra-09 (fra)")
        console.show_fleet(a_fleet(a_host("kvm-fra-09")))
        await operator.settle()
        operator.sees("no longer known on any host")
        await operator.press("d")
        operator.sees("no VM is under the cursor")


async def test_a_size_that_waits_for_the_next_start_is_shown_wherever_the_size_is() -> None:
    stored = VmSize(vcpus=4, vcpus_max=4, memory_mib=4096, memory_max_mib=4096)
    vm = a_vm("web-1", vcpus=2, memory_mib=1024, sizing=VmSizing(at_next_start=stored))
    console = a_console()
    console.show_fleet(a_fleet(a_host("kvm-fra-01", vm)))
    async with at_console(console, size=LARGE) as operator:
        row = operator.line_with("web-1")
        assert "2→4" in row
        assert "1G→4G" in row
        await operator.press("j")
        operator.sees("at its next start 4 vCPU 4G")
        await operator.press("enter")
        operator.sees("vCPU 2  next start: 4", "512M of 1G  next start: 4G")
        await operator.press("z")
        operator.sees("Size of web-1", "up to 2 at once")
        await operator.press("ctrl+u")
        await operator.type("2")
        await operator.press("enter", "y")
    assert console.submitted == [ResizeVm(vm=vm.id, host=HostId("kvm-fra-01"), vcpus=2)]


async def test_odd_interfaces_devices_and_a_missing_console_are_shown_for_what_they_are() -> None:
    vm = a_vm(
        "web-1",
        nics=(
            VmNic(mac="52:54:00:00:00:07", kind="direct", network="eno1 bridge"),
            VmNic(mac="", kind="user", network=""),
        ),
        other_devices=("file system /export as share",),
        serial_problem="it has no serial port",
    )
    console = a_console()
    console.show_fleet(a_fleet(a_host("kvm-fra-01", vm)))
    async with at_console(console, size=LARGE) as operator:
        await operator.press("j", "c")
        operator.sees("web-1: it has no serial port", "<serial type='pty'/>")
        await operator.press("enter", "G")
        operator.sees("direct    eno1 bridge", "user      -", "file system /export as share")


async def test_unknown_stretches_of_the_past_are_no_line() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _go_to(operator, "web-1")
        await operator.press("enter")
        operator.sees("nothing is known yet")


async def test_a_second_that_passes_while_the_console_ends_does_no_harm() -> None:
    ticks: list[str] = []

    class Dying(Widget):
        def on_unmount(self) -> None:
            screen = self.app.screen_stack[-1]
            assert isinstance(self.app, NovaCronApp)
            self.app.tick()
            self.app.say(span("something to say", Role.TEXT))
            ticks.append(type(screen).__name__)

    vm = a_mixed_fleet().find_vm(an_id("web-1"))
    assert vm is not None
    for screen in (XmlScreen(vm), VmScreen(vm), HelpScreen(KeyScope.VMS)):
        async with at_console(a_console()) as operator:
            await operator.app.push_screen(screen)
            await screen.mount(Dying())
    assert ticks == ["XmlScreen", "VmScreen", "HelpScreen"]


async def test_keys_act_on_the_vm_from_its_own_screen() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _go_to(operator, "web-1")
        await operator.press("enter", "p", "y")
    assert [intent.kind for intent in console.submitted] == ["pause"]


async def test_a_host_in_full_tells_load_facts_and_what_is_on_it() -> None:
    async with at_console(a_console(), size=LARGE) as operator:
        await operator.press("2", "enter")
        operator.sees("● up", "EPYC-Rome", "libvirt 9.0.0, QEMU 7.2.22", "VMs (4)", "cache-1", "/srv/shared")


async def test_the_definition_is_shown_as_it_is_and_inert() -> None:
    console = a_console()
    console.xml = "<domain>\n  <name>a\x1b]52;c;eA==\x07b [bold]c[/]</name>\r\n</domain>"
    async with at_console(console) as operator:
        await _go_to(operator, "web-1")
        await operator.press("y")
        operator.sees("XML on kvm-fra-01", "[bold]c[/]", "\\u{1b}", "\\u{d}")


async def test_a_second_that_passes_while_a_screen_comes_up_does_no_harm() -> None:
    vm = a_mixed_fleet().find_vm(an_id("web-1"))
    assert vm is not None
    async with at_console(a_console()) as operator:
        app = operator.app
        for screen in (XmlScreen(vm), VmScreen(vm), HelpScreen(KeyScope.VMS)):
            coming = app.push_screen(screen)
            app.tick()
            app.say(span("something to say", Role.TEXT))
            await coming
            app.tick()
            app.pop_screen()
            app.tick()
        await operator.settle()
        operator.sees("NAME▲")


async def test_help_lists_the_keys_of_the_place_it_was_asked_from() -> None:
    async with at_console(a_console(), size=LARGE) as operator:
        await operator.press("4", "question_mark")
        operator.sees("Keys: storage", "stop pool", "host:kvm-3")
        operator.sees_not("force off")
        await operator.press("question_mark")
        operator.sees("archive")


async def test_the_serial_console_shows_the_guest_and_sends_it_every_key() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _go_to(operator, "web-1")
        await operator.press("c")
        console.serial.guest.put_nowait(b"\x1b[2J\x1b[Hlogin: \x1b]0;evil\x07\x1b]52;c;eA==\x07")
        await operator.settle()
        operator.sees("login:", "all keys go to the guest", "ctrl+] leaves")
        await operator.type("q?")
        await operator.press("enter", "up", "ctrl+c", "escape", "tab", "ctrl+d")
        assert bytes(console.serial.typed) == b"q?\r\x1b[A\x03\x1b\t\x04"
        await operator.press("ctrl+right_square_bracket")
        operator.sees("NAME▲")
    assert console.serial.closed


async def test_keys_pressed_while_a_serial_console_opens_do_not_open_it_again() -> None:
    console = a_console()
    console.serial_hold = asyncio.Event()
    async with at_console(console) as operator:
        await _go_to(operator, "web-1")
        await operator.press("c")
        operator.sees("opening ...")
        operator.sees_not("enter open again")
        await operator.press("enter", "enter", "F")
        assert console.forced == [False]
        console.serial_hold.set()
        await operator.settle()
        operator.sees("all keys go to the guest")
        await operator.press("enter")
    assert bytes(console.serial.typed) == b"\r", "what was typed before there was a line went to nobody"


async def test_a_serial_console_that_is_left_while_it_opens_is_not_kept_open() -> None:
    console = a_console()
    console.serial_hold = asyncio.Event()
    async with at_console(console) as operator:
        await _go_to(operator, "web-1")
        await operator.press("c", "ctrl+right_square_bracket")
        operator.sees("NAME▲")
        console.serial_hold.set()
        await operator.settle()
        operator.sees("NAME▲")
        await operator.press("c")
        operator.sees("all keys go to the guest")


async def test_a_serial_console_somebody_else_has_can_be_taken_away() -> None:
    console = a_console()
    console.serial_error = Conflict("web-1", "its console is open elsewhere", "F takes it away")
    async with at_console(console) as operator:
        await _go_to(operator, "web-1")
        await operator.press("c")
        operator.sees("its console is open elsewhere", "F take it away")
        await operator.press("F")
        operator.sees("all keys go to the guest")
    assert console.forced == [False, True]


async def test_a_serial_console_that_breaks_says_so_and_opens_again() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _go_to(operator, "web-1")
        await operator.press("c")
        console.serial.guest.put_nowait(b"")
        await operator.settle()
        operator.sees("closed at the other end", "enter open again")
        console.serial_error = LinkLost("kvm-fra-01", "the connection broke")
        await operator.press("enter")
        operator.sees("the connection broke")
        await operator.press("escape")
        operator.sees("NAME▲")


async def test_a_vm_that_is_off_has_no_console_and_says_why() -> None:
    async with at_console(FakeBackend(a_mixed_fleet())) as operator:
        await _go_to(operator, "build-2")
        await operator.press("c")
        operator.sees("its console is open while it runs")


async def test_what_is_longer_than_the_screen_is_folded_and_not_cut() -> None:
    disk = a_disk(source="/srv/" + "very-long-folder/" * 6 + "end-of-path.qcow2")
    console = FakeBackend(a_fleet(a_host("a", a_vm("web-1", disks=(disk,), state=VmState.SHUT_OFF))))
    console.xml = f"<domain>\n  <source file='{disk.source}'/>\n</domain>"
    async with at_console(console) as operator:
        await operator.press("enter")
        operator.sees("end-of-path.qcow2")
        operator.sees_not("…")
        await operator.press("y")
        operator.sees("end-of-path.qcow2'/>")
        operator.sees_not("…")
