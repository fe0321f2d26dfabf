"""In which order destinations are offered, and what is said of their memory."""

from dataclasses import replace

from novacron.model.fleet import Fleet, Host
from novacron.model.link import LinkStatus
from novacron.model.vm import VmReading, VmState
from novacron_tui.commands.command import Context
from novacron_tui.commands.migration import migrate_form
from novacron_tui.present.console_state import ConsoleState
from novacron_tui.present.form_fields import Option
from tests.builders import NOW, a_disk, a_fleet, a_host, a_pool, a_reading, a_vm, some_facts, some_load


def _host(name: str, *vms: VmReading, free_mib: int = 8192, site: str = "fra", shared: bool = False) -> Host:
    facts = some_facts(name, memory_mib=16_384)
    pools = (a_pool("shared", path="/srv/shared", shared=shared),)
    load = replace(some_load(), memory_used_mib=16_384 - free_mib)
    return a_host(name, reading=a_reading(name, *vms, facts=facts, load=load, pools=pools), site=site)


def _options(fleet: Fleet, source: str) -> list[Option]:
    vms = [vm for vm in fleet.vms.values() if vm.home.host.id == source]
    form = migrate_form(vms, Context(state=ConsoleState(fleet=fleet, has_fleet=True), now=NOW))
    (field,) = (field for field in form.fields({}) if field.id == "destination")
    return list(field.options)


def test_the_host_with_the_most_memory_free_comes_first() -> None:
    fleet = a_fleet(
        _host("a", a_vm("web")), _host("b", free_mib=4096), _host("c", free_mib=12_288), _host("d", free_mib=100)
    )
    offered = _options(fleet, "a")
    assert [option.value for option in offered] == ["c", "b", "d"]
    assert [option.note for option in offered[:2]] == ["12G free", "4G free"]
    assert offered[2].refusal == "has 100M of memory free, 1G are needed"


def test_a_host_that_shares_the_disks_or_the_site_comes_before_one_with_more_memory() -> None:
    vm = a_vm("web", disks=(a_disk("web", source="/srv/shared/web.qcow2"),))
    fleet = a_fleet(
        _host("a", vm, shared=True),
        _host("b", free_mib=12_288, site="ams"),
        _host("c", free_mib=8192),
        _host("d", free_mib=2048, site="ams", shared=True),
    )
    assert [option.value for option in _options(fleet, "a")] == ["d", "c", "b"]


def test_of_several_vms_it_is_said_how_many_fit_and_where_most_do_comes_first() -> None:
    vms = [a_vm(f"web-{number}", memory_mib=1024 * number) for number in (1, 2, 3)]
    fleet = a_fleet(
        _host("a", *vms),
        _host("b", free_mib=3500),
        _host("c", free_mib=6144),
        _host("d", free_mib=500),
        a_host("e", link=LinkStatus.STALE),
    )
    offered = _options(fleet, "a")
    assert [option.value for option in offered] == ["c", "b", "d", "e"]
    assert [option.note for option in offered[:2]] == ["6G free, room for all 3", "3.4G free, room for 2 of 3"]
    assert offered[2].refusal == "has 500M of memory free, 6G are needed; no room for any of 3"
    assert offered[3].refusal == "is stale"


def test_a_vm_that_is_off_needs_no_memory_where_it_goes() -> None:
    fleet = a_fleet(_host("a", a_vm("web", state=VmState.SHUT_OFF)), _host("b", free_mib=10))
    assert _options(fleet, "a")[0].refusal == ""
