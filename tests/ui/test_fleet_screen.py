"""The fleet screen by key presses: panes, cursor, sorting, filter, selection, ages."""

from dataclasses import replace
from datetime import timedelta

import pytest

from novacron.model.fleet import Fleet
from novacron.model.link import LinkStatus
from novacron.model.vm import VmState
from novacron.ports.backend import BackendFound, BackendLost
from novacron_tui.present.glyphs import ASCII
from tests.builders import NOW, a_fleet, a_host, a_link, a_vm, an_id
from tests.ui.fake_backend import FakeBackend
from tests.ui.fleet import SHOWN_AT, a_mixed_fleet
from tests.ui.operator import LARGE, SMALL, Operator, a_console, at_console


def _cursor_name(operator: Operator) -> str:
    row = operator.app.screen.table.view.cursor_row
    return row.home.vm.name


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_the_fleet_is_seen_at_once(size: tuple[int, int]) -> None:
    async with at_console(a_console(), size=size) as operator:
        operator.sees("web-1", "● running", "? unknown 14s", "⇄ migrating 43%", "I/O error", "○ shut off")
        operator.sees("hosts 3/5", "2 down", "2 critical", "1 VMs 19", "4 Storage 12")


async def test_a_vm_on_a_silent_host_is_unknown_and_never_shown_as_stopped_or_running() -> None:
    async with at_console(a_console()) as operator:
        line = operator.line_with("cache-3")
        assert "? unknown 14s" in line
        assert "running" not in line
        assert "shut off" not in line
        await operator.press("slash")
        await operator.type("cache-3")
        await operator.press("enter")
        operator.sees("was running at 12:00:00", "no answer within 5 s")


async def test_a_fleet_not_told_yet_is_not_an_empty_fleet() -> None:
    console = FakeBackend(a_mixed_fleet())
    console._changes.get_nowait()
    console._changes.get_nowait()
    async with at_console(console) as operator:
        operator.sees("connecting", "VMs ?", "hosts ?")
        operator.sees_not("No VM is known")
        console.show_fleet(Fleet(revision=1))
        await operator.settle()
        operator.sees("No VM is known yet")


@pytest.mark.parametrize(
    ("key", "seen"),
    [("2", "kvm-ams-03"), ("3", "migrate db-2"), ("4", "archive"), ("5", "host unreachable"), ("tab", "LINK")],
)
async def test_every_pane_has_a_key(key: str, seen: str) -> None:
    async with at_console(a_console()) as operator:
        await operator.press(key)
        operator.sees(seen)
        await operator.press("1")
        operator.sees("web-10")


async def test_vi_keys_and_arrows_move_alike() -> None:
    async with at_console(a_console()) as operator:
        await operator.press("j", "j", "down", "k")
        assert _cursor_name(operator) == "build-3"
        await operator.press("G")
        assert _cursor_name(operator) == "web-10"
        await operator.press("g")
        assert _cursor_name(operator) == "build-1"
        await operator.press("ctrl+d")
        assert _cursor_name(operator) == "mail-1"
        await operator.press("pagedown", "ctrl+u", "home")
        assert _cursor_name(operator) == "build-1"


async def test_the_cursor_stays_on_its_vm_when_a_newer_fleet_has_other_rows() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await operator.press("G")
        fleet = a_mixed_fleet()
        host = fleet.hosts["kvm-fra-01"]
        reading = replace(host.reading, vms=(a_vm("aaa"), *host.reading.vms[::-1]))
        console.show_fleet(fleet.with_host(replace(host, reading=reading)))
        await operator.settle()
        operator.sees("1 VMs 20")
        assert _cursor_name(operator) == "web-10"


async def test_columns_sort_and_the_header_says_so() -> None:
    async with at_console(a_console()) as operator:
        assert "NAME▲" in operator.line_with("STATE")
        await operator.press("greater_than_sign")
        assert "STATE▲" in operator.line_with("HOST")
        assert operator.lines[3].startswith(" legacy-1")
        await operator.press("greater_than_sign", "greater_than_sign")
        assert "▼CPU%" in operator.line_with("HOST")
        assert operator.lines[3].startswith(" build-1")
        await operator.press("O")
        assert "▲CPU%" in operator.line_with("HOST")
        await operator.press("less_than_sign")
        assert "HOST▲" in operator.line_with("CPU%")


async def test_a_filter_is_typed_kept_and_cleared() -> None:
    async with at_console(a_console()) as operator:
        await operator.press("slash")
        await operator.type("state:run host:fra-02")
        operator.sees("4 of 19", "web-3")
        operator.sees_not("cache-1")
        await operator.press("enter")
        operator.sees("/state", "4 of 19")
        await operator.press("escape")
        operator.sees("cache-1")
        await operator.press("slash")
        await operator.type("no such thing")
        operator.sees("Nothing of 19 matches this filter")
        await operator.press("escape")
        operator.sees("cache-1")


async def test_selected_rows_are_marked_by_shape_and_counted() -> None:
    async with at_console(a_console()) as operator:
        await operator.press("space", "space")
        operator.sees("2 selected")
        assert operator.line_with("build-1").startswith("▌")
        await operator.press("escape")
        operator.sees_not("selected")
        await operator.press("asterisk")
        operator.sees("19 selected")


async def test_the_footer_names_only_keys_that_would_do_something() -> None:
    async with at_console(a_console(), size=LARGE) as operator:
        await operator.press("slash")
        await operator.type("web-1")
        await operator.press("enter")
        assert "d shut down" in operator.lines[-1]
        assert "s start" not in operator.lines[-1]
        await operator.press("escape", "slash")
        await operator.type("build-2")
        await operator.press("enter")
        assert "s start" in operator.lines[-1]
        assert "shut down" not in operator.lines[-1]


async def test_a_key_that_cannot_be_used_says_why() -> None:
    async with at_console(a_console()) as operator:
        await operator.press("s")
        operator.sees("build-1 is running and cannot be started")
        await operator.press("slash")
        await operator.type("cache-3")
        await operator.press("enter", "d")
        operator.sees("kvm-ams-02 is stale")


async def test_ages_grow_without_news_and_only_where_something_is_stale() -> None:
    console = a_console()
    async with at_console(console) as operator:
        operator.app.now = lambda: SHOWN_AT + timedelta(seconds=16)
        operator.app.tick()
        await operator.settle()
        assert "? unknown 30s" in operator.line_with("cache-3")


async def test_a_lost_backend_is_said_since_when_and_found_again() -> None:
    console = a_console()
    async with at_console(console) as operator:
        console.push(BackendLost(since=NOW, cause="the socket was closed"))
        await operator.settle()
        operator.sees("backend lost 14s, reconnecting", "web-1")
        console.push(BackendFound(version="0.1.0", consoles=3))
        await operator.settle()
        operator.sees("3 consoles")
        operator.sees_not("lost")


async def test_a_vm_that_runs_twice_is_named_as_a_danger() -> None:
    fleet = a_fleet(a_host("kvm-fra-01", a_vm("twin")), a_host("kvm-fra-02", a_vm("twin")))
    async with at_console(FakeBackend(fleet)) as operator:
        assert "✖ runs twice" in operator.line_with("twin")
        operator.sees("its disks are in danger")


async def test_every_state_differs_in_shape_without_colour_and_in_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with at_console(a_console(), glyphs=ASCII) as operator:
        assert operator.app.palette.name == "monochrome"
        operator.sees("* running", "o shut off", "X crashed", "? unknown 14s", "> migrating 43%")
        assert operator.text.isascii()


async def test_themes_change_by_a_key() -> None:
    async with at_console(a_console()) as operator:
        before = operator.app.palette.name
        await operator.press("t")
        assert operator.app.palette.name != before
        operator.sees("web-1")
        await operator.press("t")
        assert operator.app.palette.name == before


async def test_a_terminal_too_small_says_so_and_comes_back_to_the_same_row() -> None:
    async with at_console(a_console()) as operator:
        await operator.press("j", "j")
        for size in ((20, 5), (1, 1), (400, 120), (59, 30), (80, 24)):
            await operator.pilot.resize_terminal(*size)
            await operator.settle()
            if size == (59, 30):
                operator.sees("too small")
        operator.sees_not("too small")
        assert _cursor_name(operator) == "build-3"


async def test_a_storm_of_resizes_and_news_does_no_harm() -> None:
    console = a_console()
    async with at_console(console) as operator:
        for number in range(40):
            await operator.pilot.resize_terminal(40 + number * 4, 5 + number)
            console.show_fleet(a_mixed_fleet(revision=8 + number))
        await operator.pilot.resize_terminal(80, 24)
        await operator.settle()
        operator.sees("web-1", "q detach")


async def test_ten_thousand_rows_are_paged_through() -> None:
    vms = [a_vm(f"vm-{number}", state=VmState.RUNNING) for number in range(2_000)]
    fleet = a_fleet(
        *(a_host(f"kvm-{host:02}", *(replace(vm, id=an_id(f"{host}-{vm.name}")) for vm in vms)) for host in range(5))
    )
    async with at_console(FakeBackend(fleet), size=LARGE) as operator:
        operator.sees("1 VMs 10000")
        await operator.press("G")
        operator.sees("vm-1999")
        await operator.press("slash")
        await operator.type("host:=kvm-03 vm-77")
        operator.sees("11 of 10000")


async def test_an_alert_leads_to_what_it_is_about() -> None:
    async with at_console(a_console()) as operator:
        await operator.press("5", "enter")
        operator.sees("Host kvm-ams-02", "What to do: the host may hang")
        await operator.press("escape")
        operator.sees("host unreachable")


async def test_a_host_that_was_never_reached_tells_its_cause_and_remedy() -> None:
    fleet = a_fleet(
        a_host(
            "kvm-1",
            never_read=True,
            link=a_link(LinkStatus.AUTH_REFUSED, cause="Permission denied (publickey)", remedy="add your key there"),
        )
    )
    async with at_console(FakeBackend(fleet)) as operator:
        await operator.press("2")
        operator.sees("! key refused", "Permission denied (publickey)", "add your key there")


async def test_the_vms_of_a_host_are_one_key_away() -> None:
    async with at_console(a_console()) as operator:
        await operator.press("2", "v")
        operator.sees("cache-1", "4 of 19")
        operator.sees_not("web-1")


async def test_detaching_ends_the_console_and_asks_the_backend_nothing() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await operator.press("q")
    assert operator.app.return_code == 0
    assert console.submitted == []


async def test_the_clock_may_tick_once_more_while_the_console_ends() -> None:
    async with at_console(a_console()) as operator:
        await operator.press("q")
    assert not operator.app.screen_stack
    operator.app.tick()


@pytest.mark.parametrize("size", [(80, 24), (132, 36)])
async def test_a_pane_is_shown_by_a_click_on_its_name(size: tuple[int, int]) -> None:
    async with at_console(a_console(), size=size) as operator:
        for number, name in ((3, "Operations"), (5, "Alerts"), (1, "VMs"), (4, "Storage"), (2, "Hosts")):
            line = operator.lines[1]
            x = line.index(name) if name in line else line.index(f" {number}") + 1
            await operator.pilot.click(offset=(x + len(name) - 1 if name in line else x, 1))
            await operator.settle()
            assert operator.app.screen._current == number - 1
        await operator.pilot.click(offset=(size[0] - 1, 1))
        await operator.settle()
        assert operator.app.screen._current == 1


async def test_the_footer_names_first_what_most_of_a_mixed_selection_can() -> None:
    async with at_console(a_console()) as operator:
        await operator.press("slash")
        await operator.type("host:fra-02")
        await operator.press("enter", "asterisk")
        footer = operator.lines[-1]
        assert "p pause" in footer, "all but the two that are off"
        assert "s start" not in footer, "two of six"
        await operator.press("escape")
        await operator.press("escape", "slash")
        await operator.type("build")
        await operator.press("enter", "asterisk")
        footer = operator.lines[-1]
        assert "s start" in footer
        assert "d shut down" not in footer or footer.index("s start") < footer.index("d shut down")


async def test_text_that_is_cut_at_80_columns_is_shown_in_full_by_a_key() -> None:
    cause, remedy = "the key exchange was refused " * 4 + "CAUSE-ENDS", "install another cipher " * 5 + "REMEDY-ENDS"
    link = a_link(LinkStatus.UNREACHABLE, cause=cause, remedy=remedy)
    async with at_console(FakeBackend(a_fleet(a_host("kvm-1", never_read=True, link=link)))) as operator:
        await operator.press("2")
        operator.sees_not("CAUSE-ENDS", "REMEDY-ENDS")
        assert operator.lines[-2].rstrip().endswith("… w")
        await operator.press("w")
        operator.sees("In full", "CAUSE-ENDS", "REMEDY-ENDS", "LIBVIRT/QEMU")
        operator.sees_not("…")
        await operator.press("w")
        operator.sees("kvm-1")


async def test_where_no_host_was_ever_read_nothing_is_counted_as_none() -> None:
    link = a_link(LinkStatus.UNREACHABLE, cause="connection refused")
    async with at_console(FakeBackend(a_fleet(a_host("kvm-1", never_read=True, link=link)))) as operator:
        operator.sees("VMs ?", "hosts 0/1 1 down", "1 VMs  2 Hosts 1", "4 Storage  5 Alerts 0")
        await operator.press("2")
        operator.sees_not("?/-")
        await operator.press("enter")
        operator.sees("VMs and pools", "not known: it was never read")
        operator.sees_not("VMs (0)")
