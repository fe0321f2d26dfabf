"""Forms by key presses: create, migrate, rename, resize."""

from dataclasses import replace

import pytest

from novacron.model.fleet import Fleet
from novacron.model.link import LinkStatus
from novacron.model.migration import MigrationMode
from novacron.model.operations.creation import CreateVm
from novacron.model.operations.definition import RenameVm
from novacron.model.operations.intent import Intent
from novacron.model.operations.migration import MigrateVm
from novacron.model.operations.resizing import ResizeVm
from novacron.model.plan.plan import Plan
from novacron.model.refusal import Refusal, RefusalCode
from tests.builders import a_link, an_id
from tests.ui.fake_backend import a_plan_for
from tests.ui.fleet import a_mixed_fleet
from tests.ui.operator import LARGE, SMALL, Operator, a_console, at_console


async def _go_to(operator: Operator, words: str) -> None:
    await operator.press("slash")
    await operator.type(words)
    await operator.press("enter")


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_a_vm_is_created_from_the_form(size: tuple[int, int]) -> None:
    console = a_console()
    async with at_console(console, size=size) as operator:
        await operator.press("n")
        operator.sees("New VM", "it needs a name")
        await operator.press("enter")
        operator.sees("it needs a name")
        await operator.type("app-7")
        operator.sees("✔ create app-7")
        await operator.press("tab", "tab")
        await operator.press("backspace")
        await operator.type("x4")
        await operator.press("tab", "tab", "tab", "right")
        operator.sees("debian-12.qcow2", "10G qcow2")
        await operator.press("enter")
        operator.sees("accepted: create app-7")
    intent = console.submitted[0]
    assert isinstance(intent, CreateVm)
    assert (intent.name, intent.vcpus, intent.memory_mib, intent.pool) == ("app-7", 4, 512, "local")
    assert (intent.base_volume, intent.network, intent.start, intent.host) == (
        "debian-12.qcow2",
        "default",
        True,
        "kvm-fra-02",
    )


async def test_another_host_brings_its_own_pools_and_networks() -> None:
    console = a_console()
    async with at_console(console, size=LARGE) as operator:
        await operator.press("n")
        await operator.type("app-8")
        await operator.press("tab", "right", "right")
        operator.sees("kvm-ams-03", "is host key changed")


async def test_kernel_fields_appear_when_there_is_a_kernel() -> None:
    console = a_console()
    async with at_console(console, size=LARGE) as operator:
        await operator.press("n")
        await operator.type("app-9")
        operator.sees_not("Initrd")
        await operator.press("shift+tab", "shift+tab")
        await operator.type("/boot/vmlinuz")
        operator.sees("Initrd", "console=ttyS0")
        await operator.press("enter")
    intent = console.submitted[0]
    assert isinstance(intent, CreateVm)
    assert (intent.kernel, intent.cmdline) == ("/boot/vmlinuz", "console=ttyS0")


def _only_to_ams(intent: Intent) -> Plan | Refusal:
    if isinstance(intent, MigrateVm) and intent.destination != "kvm-ams-01":
        return Refusal(
            code=RefusalCode.INCOMPATIBLE,
            subject="web-1",
            reason=f"its CPU is not known to {intent.destination}",
            remedy="choose a host with a newer CPU",
        )
    return a_plan_for(intent)


async def test_every_destination_says_whether_it_could_and_why_not() -> None:
    console = a_console()
    console.answer = _only_to_ams
    async with at_console(console, size=LARGE) as operator:
        await _go_to(operator, "web-1")
        await operator.press("m")
        operator.sees("✔ kvm-ams-01", "✖ kvm-fra-02  its CPU is not known to kvm-fra-02", "✖ kvm-ams-02  is stale")
        operator.sees("✔ migrate web-1")
        await operator.press("right", "left", "left", "left")
        operator.sees("choose a host with a newer CPU")
        await operator.press("enter")
        operator.sees("Migrate web-1")
        assert console.submitted == []


async def test_a_migration_is_asked_for_with_all_its_choices() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _go_to(operator, "web-1")
        await operator.press("m", "down", "right", "right", "down", "space", "down")
        await operator.type("40")
        await operator.press("enter")
        operator.sees("migrate web-1", "Touches")
        await operator.press("y")
        operator.sees("accepted")
    assert console.submitted == [
        MigrateVm(
            vm=an_id("web-1"),
            host="kvm-fra-01",
            destination="kvm-fra-02",
            mode=MigrationMode.RELAYED,
            copy_storage=False,
            bandwidth_mib_s=40,
        )
    ]


async def test_a_host_to_which_some_of_a_selection_can_go_says_how_many() -> None:
    def answer(intent: Intent) -> Plan | Refusal:
        assert isinstance(intent, MigrateVm)
        if intent.vm == an_id("cache-2") or intent.destination == "kvm-fra-02":
            reason = "its disk is not there"
            return Refusal(code=RefusalCode.NO_ROOM, subject="cache-2", reason=reason, remedy="copy the storage along")
        return a_plan_for(intent)

    console = a_console()
    console.answer = answer
    async with at_console(console, size=LARGE) as operator:
        await _go_to(operator, "cache host:ams-01")
        await operator.press("asterisk", "m")
        operator.sees(
            "! kvm-fra-01  1 of 2 can: its disk is not there", "✖ kvm-fra-02  0 of 2 can: its disk is not there"
        )
        operator.sees("▸ To host       kvm-fra-01", "! 1 of 2 can be done as it stands; the others are left out")
        await operator.press("enter")
        operator.sees("migrate", "1 refused and left out")
        await operator.press("y")
    assert len(console.submitted) == 1


async def test_several_vms_are_migrated_by_one_form() -> None:
    console = a_console()
    async with at_console(console, size=LARGE) as operator:
        await _go_to(operator, "cache host:ams-01")
        await operator.press("asterisk", "m")
        operator.sees("Migrate 2 VMs")
        await operator.press("enter")
        operator.sees("migrate 2 VMs")
        await operator.press("y")
    assert len(console.submitted) == 2


async def test_a_vm_is_renamed_while_it_is_off() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await operator.press("r")
        operator.sees("shut it down first")
        await _go_to(operator, "build-2")
        await operator.press("r")
        await operator.press("ctrl+u")
        await operator.type("build-9")
        await operator.press("enter", "y")
    assert console.submitted == [RenameVm(vm=an_id("build-2"), host="kvm-fra-02", new_name="build-9")]


async def test_a_vm_is_resized_and_what_stays_is_not_asked_for() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _go_to(operator, "web-1")
        await operator.press("z")
        operator.sees("it has this size already")
        await operator.press("ctrl+u")
        await operator.type("3")
        await operator.press("enter", "y")
    assert console.submitted == [ResizeVm(vm=an_id("web-1"), host="kvm-fra-01", vcpus=3)]


def _with_links(status: LinkStatus) -> Fleet:
    """Return the mixed fleet in which only the VMs' own host is sure to answer."""
    fleet = a_mixed_fleet()
    for host in fleet.hosts.values():
        if host.id != "kvm-fra-01":
            fleet = fleet.with_host(replace(host, link=a_link(status)))
    return fleet


async def test_an_open_form_follows_hosts_that_come_up_and_fall_silent() -> None:
    console = a_console()
    console.show_fleet(_with_links(LinkStatus.CONNECTING))
    async with at_console(console, size=LARGE) as operator:
        await _go_to(operator, "web-1")
        await operator.press("m")
        operator.sees("kvm-fra-02", "is connecting", "choose a host that answers")
        console.show_fleet(_with_links(LinkStatus.UP))
        await operator.settle()
        operator.sees("✔ migrate web-1")
        operator.sees_not("is connecting")
        await operator.press("tab", "tab", "tab")
        await operator.type("77")
        console.show_fleet(_with_links(LinkStatus.STALE))
        await operator.press("up", "up", "up")
        operator.sees("is stale", "77")
        console.show_fleet(_with_links(LinkStatus.UP))
        await operator.settle()
        await operator.press("enter")
        operator.sees("Touches")
        await operator.press("y")
    intent = console.submitted[0]
    assert isinstance(intent, MigrateVm)
    assert intent.bandwidth_mib_s == 77


async def test_sizes_are_typed_with_units_and_a_plain_number_is_mib() -> None:
    console = a_console()
    async with at_console(console, size=LARGE) as operator:
        await operator.press("n")
        await operator.type("app-7")
        await operator.press("tab", "tab", "tab", "ctrl+u")
        await operator.type("2048")
        operator.sees("2048  MiB = 2G")
        await operator.press("ctrl+u")
        await operator.type("1.5GB")
        operator.sees("memory: size '1.5GB'", "type GiB")
        await operator.press("enter")
        operator.sees("New VM")
        await operator.press("backspace", "tab", "tab", "tab", "ctrl+u")
        await operator.type("20GiB")
        operator.sees("✔ create app-7")
        await operator.press("enter")
    intent = console.submitted[0]
    assert isinstance(intent, CreateVm)
    assert (intent.memory_mib, intent.disk_mib) == (1536, 20_480)


async def test_the_memory_of_a_vm_and_the_pace_of_a_migration_are_sizes_too() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _go_to(operator, "web-1")
        await operator.press("z", "tab", "ctrl+u")
        await operator.type("6g")
        await operator.press("enter", "y", "m", "down", "down", "down")
        await operator.type("1G")
        operator.sees("a second")
        await operator.press("enter", "y")
    resize, migrate = console.submitted
    assert isinstance(resize, ResizeVm)
    assert isinstance(migrate, MigrateVm)
    assert (resize.memory_mib, migrate.bandwidth_mib_s) == (6144, 1024)


async def test_leaving_a_preview_leads_back_to_the_form_with_what_was_typed() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _go_to(operator, "web-1")
        await operator.press("m", "right", "down", "down", "down")
        chosen = operator.line_with("To host")
        await operator.type("77")
        await operator.press("enter")
        operator.sees("Touches")
        await operator.press("escape")
        operator.sees("Migrate web-1", "77  MiB a second")
        assert operator.line_with("To host") == chosen
        await operator.type("8")
        await operator.press("enter", "y")
        operator.sees("accepted")
    intent = console.submitted[0]
    assert isinstance(intent, MigrateVm)
    assert intent.bandwidth_mib_s == 778


async def test_a_form_that_was_come_back_to_is_left_by_one_more_escape() -> None:
    console = a_console()
    async with at_console(console) as operator:
        await _go_to(operator, "web-1")
        await operator.press("z", "ctrl+u")
        await operator.type("3")
        await operator.press("enter", "escape", "escape")
        operator.sees("NAME▲")
        await operator.press("z")
        operator.sees("it has this size already")
    assert console.submitted == []
