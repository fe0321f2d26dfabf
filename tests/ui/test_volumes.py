"""Which volumes of a pool are in use, by whom, and how they are listed and offered."""

from dataclasses import replace

from novacron.model.alert.alert import AlertRule, Severity
from novacron.model.fleet import Fleet
from novacron.model.link import LinkStatus
from novacron.ports.backend import AlertsChanged
from novacron_tui.commands.command import Context
from novacron_tui.commands.creation import create_form
from novacron_tui.present.console_state import ConsoleState, PoolRow
from novacron_tui.present.volumes import list_volumes, use_text
from tests.builders import NOW, a_disk, a_file, a_fleet, a_host, a_pool, a_reading, a_vm, a_volume
from tests.operation_builders import an_alert
from tests.ui.fake_backend import FakeBackend
from tests.ui.operator import SMALL, at_console


def _pool(*, shared: bool = False):
    return a_pool(
        "vm",
        shared=shared,
        volumes=(
            a_volume("zeta.qcow2", allocation_mib=9000),
            a_volume("web-1.qcow2", allocation_mib=4000, backing_path="/srv/vm/debian.qcow2"),
            a_volume("debian.qcow2", allocation_mib=500),
            a_volume("alpha.qcow2", allocation_mib=100),
        ),
    )


def _fleet(*, shared: bool = False) -> Fleet:
    here = a_reading("a", a_vm("web-1"), pools=(_pool(shared=shared),))
    there = a_reading("b", a_vm("db-1", disks=(a_disk(source="/srv/vm/zeta.qcow2"),)), pools=(_pool(shared=shared),))
    return a_fleet(a_host("a", reading=here), a_host("b", reading=there))


def _uses(fleet: Fleet) -> dict[str, str]:
    host = fleet.hosts["a"]
    row = PoolRow(host=host, pool=host.reading.pools[0])
    return {listed.volume.name: use_text(listed) for listed in list_volumes(fleet, row)}


def test_a_volume_names_the_vms_that_need_it_and_the_volumes_it_is_the_base_of() -> None:
    uses = _uses(_fleet())
    assert uses == {"zeta.qcow2": "", "web-1.qcow2": "web-1", "debian.qcow2": "base of 1", "alpha.qcow2": ""}


def test_a_shared_volume_names_the_vms_of_other_hosts_too() -> None:
    on_nfs = a_file("/srv/vm/zeta.qcow2", file_system="nfs4")
    disk = a_disk(source="/mnt/other-name.qcow2", file=on_nfs)
    pool = a_pool("vm", shared=True, volumes=(a_volume("zeta.qcow2", file=on_nfs),))
    here, there = a_reading("a", pools=(pool,)), a_reading("b", a_vm("db-1", disks=(disk,)), pools=(pool,))
    assert _uses(a_fleet(a_host("a", reading=here), a_host("b", reading=there))) == {"zeta.qcow2": "db-1 on b"}


def test_a_disk_of_another_name_that_is_the_same_file_names_its_vm() -> None:
    disk = a_disk(source="/link/to/it.qcow2", file=a_file("/srv/vm/zeta.qcow2"))
    here = a_reading("a", a_vm("db-1", disks=(disk,)), pools=(_pool(),))
    assert _uses(a_fleet(a_host("a", reading=here)))["zeta.qcow2"] == "db-1"


def test_where_a_host_is_silent_nobody_claims_that_a_shared_volume_is_unused() -> None:
    fleet = _fleet(shared=True)
    fleet = fleet.with_host(a_host("c", link=LinkStatus.STALE, never_read=True))
    host = fleet.hosts["a"]
    listed = list_volumes(fleet, PoolRow(host=host, pool=host.reading.pools[0]))
    assert not any(each.is_sure for each in listed)


async def test_the_alert_of_a_pool_opens_its_volumes_the_largest_first_with_their_users() -> None:
    console = FakeBackend(_fleet())
    alert = an_alert(AlertRule.POOL_NEARLY_FULL, severity=Severity.WARNING, subject="vm", text="93 % full")
    console.push(AlertsChanged(alerts=(replace(alert, host="a"),)))
    async with at_console(console, size=SMALL) as operator:
        await operator.press("5", "enter")
        operator.sees("Pool vm", "USED BY", "▼WRITTEN")
        names = [line.split()[0] for line in operator.lines[3:7]]
        assert names == ["zeta.qcow2", "web-1.qcow2", "debian.qcow2", "alpha.qcow2"]
        assert " web-1 " in operator.line_with("web-1.qcow2")
        assert "base of 1" in operator.line_with("debian.qcow2")
        await operator.press("slash")
        await operator.type("used:web")
        operator.sees("1 of 4")


def test_images_for_a_new_disk_are_bases_first_and_disks_in_use_last_and_marked() -> None:
    fleet = _fleet()
    form = create_form([], Context(state=ConsoleState(fleet=fleet, has_fleet=True), now=NOW))
    (images,) = (field.options for field in form.fields({"host": "a", "pool": "vm"}) if field.id == "base")
    assert [(option.label or option.value, option.note) for option in images] == [
        ("blank disk", ""),
        ("debian.qcow2", "10G qcow2, base of 1"),
        ("alpha.qcow2", "10G qcow2"),
        ("zeta.qcow2", "10G qcow2"),
        ("web-1.qcow2", "10G qcow2, in use by web-1"),
    ]


async def test_pools_and_volumes_of_a_silent_host_say_as_of_when_they_are() -> None:
    pool = a_pool("vm", volumes=(a_volume("a.qcow2"),))
    host = a_host("kvm-1", reading=a_reading("kvm-1", pools=(pool,)), link=LinkStatus.UNREACHABLE)
    async with at_console(FakeBackend(a_fleet(host))) as operator:
        await operator.press("2", "enter", "G")
        operator.sees("Pools, as of ")
        await operator.press("4", "enter")
        operator.sees("as read ", "ago: host unreachable")
