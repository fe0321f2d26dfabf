"""Our calls against libvirt's own test driver: what it supports, and what we make of what it does not."""

import asyncio
import threading
from collections.abc import Callable

import libvirt
import pytest

from novacron.adapters.libvirt.channel import Channel
from novacron.adapters.libvirt.gateway import LibvirtGateway
from novacron.adapters.libvirt.hypervisor import LibvirtHypervisor
from novacron.model.errors import Conflict, DeadlineExceeded, LinkError, LinkLost, NotFound, OperationError
from novacron.model.host import HostLoad, HostSpec
from novacron.model.ids import HostId
from novacron.model.migration import Belongings
from novacron.model.operations.creation import CreateVm, definition_of, disk_of
from novacron.model.vm import StateReason, VmNic, VmState, VmUsage
from novacron.ports.hypervisor import HostEventKind
from tests.builders import an_id
from tests.fake_clock import FakeClock

S = 5.0


async def _state(host: LibvirtHypervisor, name: str) -> VmState | None:
    seen = await host.reader.look(an_id(name), deadline_s=S)
    return seen.state if seen else None


# --- reading -----------------------------------------------------------------------------------------------------


async def test_every_vm_is_read_with_its_state_and_definition(host: LibvirtHypervisor, clock: FakeClock):
    reading = await host.reader.read(inventory=True, deadline_s=S)
    vms = {vm.name: vm for vm in reading.vms}
    assert {name: vm.state for name, vm in vms.items()} == {
        "web-1": VmState.RUNNING,
        "paused": VmState.PAUSED,
        "off": VmState.SHUT_OFF,
        "panicked": VmState.PAUSED,
        "asleep": VmState.SUSPENDED,
        "passing": VmState.RUNNING,
    }
    web = vms["web-1"]
    assert (web.id, web.vcpus, web.memory_mib, web.memory_max_mib) == (an_id("web-1"), 2, 1024, 1024)
    assert web.description == "about web-1 & more"
    assert [(disk.target, disk.source, disk.format) for disk in web.disks] == [("vda", "/vm/web-1", "qcow2")]
    assert web.nics == (VmNic(mac="52:54:00:00:00:01", network="lan", link=web.nics[0].link),)
    assert (web.persistent, web.has_serial, web.usage) == (True, False, VmUsage())
    assert (vms["passing"].persistent, vms["passing"].has_serial) == (False, True)
    assert (reading.observed_at, reading.inventory_at, reading.load) == (clock.now(), clock.now(), HostLoad())


async def test_snapshots_are_counted_before_a_vm_is_moved(host: LibvirtHypervisor):
    assert await host.reader.belongings(an_id("web-1"), deadline_s=S) == Belongings()
    text = "<domainsnapshot><name>before-upgrade</name></domainsnapshot>"
    await host.reader.change_vm("snapshot", an_id("web-1"), lambda domain: domain.snapshotCreateXML(text), deadline_s=S)
    assert await host.reader.belongings(an_id("web-1"), deadline_s=S) == Belongings(snapshots=1)


async def test_a_guest_that_panicked_and_is_kept_counts_as_having_a_process(host: LibvirtHypervisor):
    (read,) = (vm for vm in (await host.reader.read(inventory=False, deadline_s=S)).vms if vm.name == "panicked")
    looked = await host.reader.look(an_id("panicked"), deadline_s=S)
    assert looked is not None
    for vm in (read, looked):
        assert (vm.is_active, vm.state, vm.reason) == (True, VmState.PAUSED, StateReason.CRASHED)


async def test_looking_and_reading_say_the_same_of_every_vm(host: LibvirtHypervisor):
    for vm in (await host.reader.read(inventory=True, deadline_s=S)).vms:
        looked = await host.reader.look(vm.id, deadline_s=S)
        assert looked is not None
        assert (looked.state, looked.reason, looked.disks, looked.memory_mib) == (
            vm.state,
            vm.reason,
            vm.disks,
            vm.memory_mib,
        )


async def test_a_vm_that_is_not_there_is_none_to_look_at_and_not_found_to_act_on(host: LibvirtHypervisor):
    nobody = an_id("nobody")
    assert await host.reader.look(nobody, deadline_s=S) is None
    calls: list[Callable[[], object]] = [
        lambda: host.power.start(nobody, deadline_s=S),
        lambda: host.reader.definition(nobody, deadline_s=S),
        lambda: host.definitions.rename(nobody, "x", deadline_s=S),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            await call()  # type: ignore[misc]


async def test_the_host_says_what_it_is(host: LibvirtHypervisor):
    facts = await host.reader.facts(deadline_s=S)
    number = libvirt.getVersion()
    assert facts.libvirt_version == f"{number // 10**6}.{number // 1000 % 1000}.{number % 1000}"
    assert (facts.networks, facts.cores > 0, facts.memory_mib > 0) == (("lan",), True, True)


async def test_pools_and_their_volumes_are_read_with_the_inventory(host: LibvirtHypervisor):
    (pool,) = (await host.reader.read(inventory=True, deadline_s=S)).pools
    assert (pool.name, pool.kind, pool.path, pool.active, pool.shared) == ("vm", "dir", "/vm", True, False)
    assert pool.capacity_mib == pool.available_mib == 100 * 1024
    assert pool.volumes == ()


async def test_a_definition_is_the_one_another_host_would_take(host: LibvirtHypervisor):
    text = await host.reader.definition(an_id("web-1"), deadline_s=S)
    assert f"<uuid>{an_id('web-1')}</uuid>" in text


# --- acting ------------------------------------------------------------------------------------------------------


async def test_power_changes_what_is_seen_next(host: LibvirtHypervisor):
    vm = an_id("off")
    for act, state in (
        (host.power.start, VmState.RUNNING),
        (host.power.pause, VmState.PAUSED),
        (host.power.resume, VmState.RUNNING),
        (host.power.reboot, VmState.RUNNING),
        (host.power.force_off, VmState.SHUT_OFF),
        (host.power.start, VmState.RUNNING),
        (host.power.shutdown, VmState.SHUT_OFF),
    ):
        await act(vm, deadline_s=S)
        assert await _state(host, "off") is state


@pytest.mark.parametrize("name", ["panicked", "asleep", "paused"])
async def test_whatever_has_a_process_can_be_forced_off(host: LibvirtHypervisor, name):
    await host.power.force_off(an_id(name), deadline_s=S)
    assert await _state(host, name) is VmState.SHUT_OFF


async def test_what_the_hypervisor_refuses_is_an_error_with_its_own_words(host: LibvirtHypervisor):
    with pytest.raises(OperationError, match="not running"):
        await host.power.force_off(an_id("off"), deadline_s=S)
    with pytest.raises(OperationError, match="not supported by the connection driver"):
        await host.power.resume(an_id("asleep"), deadline_s=S)  # a wake-up, which this driver lacks
    with pytest.raises(OperationError, match="active"):
        await host.definitions.rename(an_id("web-1"), "web-2", deadline_s=S)


async def test_a_vm_is_renamed_resized_and_started_with_its_host(host: LibvirtHypervisor):
    vm = an_id("off")
    await host.definitions.rename(vm, "away", deadline_s=S)
    await host.definitions.resize_stored(vm, 4, 2048, deadline_s=S)
    await host.definitions.set_autostart(vm, True, deadline_s=S)
    seen = await host.reader.look(vm, deadline_s=S)
    assert seen is not None
    assert (seen.name, seen.vcpus, seen.memory_mib, seen.autostart) == ("away", 4, 2048, True)
    assert seen.description == "about off & more"


async def test_a_driver_that_knows_fewer_undefine_flags_still_removes_the_vm(host: LibvirtHypervisor):
    await host.definitions.undefine(an_id("off"), deadline_s=S)
    assert await host.reader.look(an_id("off"), deadline_s=S) is None
    await host.definitions.undefine(an_id("off"), deadline_s=S)  # being gone is success


@pytest.mark.parametrize(
    ("refused", "asked"), [(0, [0x17]), (1, [0x17, 0x3]), (2, [0x17, 0x3, 0])], ids=["none", "some", "all"]
)
def test_undefining_asks_for_all_first_and_for_less_only_if_flags_are_unknown(host: LibvirtHypervisor, refused, asked):
    domain = _Flags(libvirt.VIR_ERR_INVALID_ARG, refused)
    host.definitions._undefine(domain)
    assert domain.asked == asked


def test_undefining_does_not_leave_anything_behind_because_it_is_refused(host: LibvirtHypervisor):
    domain = _Flags(libvirt.VIR_ERR_OPERATION_INVALID, 1)
    with pytest.raises(libvirt.libvirtError):
        host.definitions._undefine(domain)
    assert domain.asked == [0x17]


class _Flags:
    """A domain of a driver that refuses the first so many requests."""

    def __init__(self, code: int, refused: int) -> None:
        self.code, self.refused, self.asked = code, refused, []

    def undefineFlags(self, flags: int) -> None:  # noqa: N802 - libvirt's name
        self.asked.append(flags)
        if len(self.asked) <= self.refused:
            error = libvirt.libvirtError("")
            error.err = (self.code, libvirt.VIR_FROM_TEST, "no", 2, None, None, None, -1, -1)
            raise error

    def undefine(self) -> None:
        self.undefineFlags(0)


# --- defining ----------------------------------------------------------------------------------------------------


def _intent(**fields: object) -> CreateVm:
    chosen = {"vm": an_id("new"), "host": HostId("kvm-1"), "name": "new", "pool": "vm", "disk_mib": 64} | fields
    return CreateVm(**chosen)  # type: ignore[arg-type]


async def test_a_disk_is_made_once_and_made_anew_when_it_may_be_half_made(host: LibvirtHypervisor):
    path = f"/vm/new-{an_id('new')[:8]}.qcow2"
    assert await host.storage.create_disk(disk_of(_intent()), deadline_s=S) == path
    with pytest.raises(Conflict, match="there already"):
        await host.storage.create_disk(disk_of(_intent()), deadline_s=S)
    assert await host.storage.create_disk(disk_of(_intent()), anew=True, deadline_s=S) == path
    with pytest.raises(Conflict, match="made for another VM"):
        await host.storage.create_disk(disk_of(_intent(vm=an_id("other"))), deadline_s=S)
    await host.storage.delete_disk(path, deadline_s=S)
    await host.storage.delete_disk(path, deadline_s=S)


async def test_a_volume_is_deleted_and_being_gone_is_success_but_a_pool_must_be_there(host: LibvirtHypervisor):
    path = await host.storage.create_disk(disk_of(_intent()), deadline_s=S)
    for _ in range(2):
        await host.storage.delete_volume("vm", path.removeprefix("/vm/"), deadline_s=S)
    with pytest.raises(NotFound):
        await host.storage.delete_volume("nowhere", "x", deadline_s=S)


async def test_a_name_that_is_a_path_makes_no_volume(host: LibvirtHypervisor):
    with pytest.raises(OperationError, match="cannot be a volume's name"):
        await host.storage.create_disk(disk_of(_intent(name="../etc/passwd")), deadline_s=S)


async def test_a_pool_is_stopped_and_started_and_doing_it_twice_is_success(host: LibvirtHypervisor):
    for active in (False, False, True, True):
        await host.storage.set_pool_active("vm", active, deadline_s=S)
    with pytest.raises(NotFound):
        await host.storage.set_pool_active("nowhere", True, deadline_s=S)


async def test_a_new_vm_is_defined_once_and_defining_it_again_is_success(host: LibvirtHypervisor):
    intent = _intent(description="Für <dich> & mich", network="lan")
    for _ in range(2):
        await host.definitions.define(definition_of(intent, "/vm/new"), deadline_s=S)
    seen = await host.reader.look(intent.vm, deadline_s=S)
    assert seen is not None
    assert (seen.name, seen.description, seen.state) == ("new", "Für <dich> & mich", VmState.SHUT_OFF)
    assert [disk.source for disk in seen.disks] == ["/vm/new"]


async def test_a_name_or_uuid_that_is_taken_is_a_conflict(host: LibvirtHypervisor):
    with pytest.raises(Conflict, match="another VM has this name"):
        await host.definitions.define(definition_of(_intent(name="off"), ""), deadline_s=S)
    with pytest.raises(Conflict, match="is VM off already"):
        await host.definitions.define(definition_of(_intent(vm=an_id("off")), ""), deadline_s=S)


async def test_text_that_no_definition_can_hold_is_refused_in_words(host: LibvirtHypervisor):
    with pytest.raises(OperationError, match="no definition can hold"):
        await host.definitions.define(definition_of(_intent(description="\x00"), ""), deadline_s=S)
    assert await host.reader.look(an_id("new"), deadline_s=S) is None


async def test_another_hosts_definition_is_taken(host: LibvirtHypervisor):
    text = await host.reader.definition(an_id("off"), deadline_s=S)
    await host.definitions.undefine(an_id("off"), deadline_s=S)
    await host.definitions.define_xml(text, deadline_s=S)
    assert await _state(host, "off") is VmState.SHUT_OFF
    with pytest.raises(OperationError):
        await host.definitions.define_xml("<domain>", deadline_s=S)


# --- the connection ----------------------------------------------------------------------------------------------


async def test_an_event_tells_which_vm_changed(host: LibvirtHypervisor):
    told: asyncio.Queue[object] = asyncio.Queue()
    host.reader.watch(told.put_nowait)
    await host.reader.look(an_id("off"), deadline_s=S)
    await host.reader._starting
    await host.power.start(an_id("off"), deadline_s=S)
    event = await told.get()
    assert (event.kind, event.vm) == (HostEventKind.VM, an_id("off"))
    await host.close()
    while event.kind is not HostEventKind.LINK_CLOSED:
        event = await told.get()


async def test_a_call_that_does_not_return_is_left_at_its_deadline_and_costs_the_connection(host: LibvirtHypervisor):
    let_go = threading.Event()
    with pytest.raises(DeadlineExceeded, match="waiting was not answered"):
        await host.channel.call("waiting", lambda _: let_go.wait(), deadline_s=0.05)
    assert host.channel.is_closed
    with pytest.raises(LinkLost, match="the connection is closed"):
        await host.reader.read(inventory=False, deadline_s=S)
    let_go.set()


async def test_two_calls_run_beside_each_other(host: LibvirtHypervisor):
    meet = threading.Barrier(2, timeout=S)
    await asyncio.gather(*(host.reader.query("meeting", lambda _: meet.wait(), deadline_s=S) for _ in range(2)))


async def test_an_error_of_ours_comes_out_of_a_call_as_it_is(host: LibvirtHypervisor):
    def wrong(_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await host.reader.query("dividing", wrong, deadline_s=S)
    assert not host.channel.is_closed


async def test_a_binding_that_fails_to_decode_libvirts_error_gives_a_refusal(host: LibvirtHypervisor):
    def undecodable(_: object) -> None:
        try:
            b"caf\xe9".decode()
        except UnicodeDecodeError as error:
            raise SystemError("returned a result with an exception set") from error

    with pytest.raises(OperationError, match=r"caf\\xe9"):
        await host.reader.query("reading", undecodable, deadline_s=S)


async def test_closing_ends_every_thread_of_the_connection(node: HostSpec, clock: FakeClock):
    hypervisor = await LibvirtGateway(clock).connect(node, deadline_s=S)
    await hypervisor.reader.read(inventory=True, deadline_s=S)
    await hypervisor.close()
    await hypervisor.close()
    for thread in threading.enumerate():
        if thread.name in ("libvirt-close", "libvirt-kvm-1"):
            await asyncio.to_thread(thread.join, S)
            assert not thread.is_alive()


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("test:///nowhere/at/all.xml", "nowhere"),
        ("nosuchdriver:///nowhere/at/all.xml", "cannot be connected to"),
        ("qemu+unix:///system?socket=/nowhere/sock", "cannot be connected to: .*/nowhere/sock"),
    ],
)
async def test_a_libvirt_that_is_not_there_is_a_link_error_with_a_remedy(uri, words):
    with pytest.raises(LinkError, match=words) as caught:
        await Channel.open("kvm-1", uri, None, deadline_s=S)
    assert caught.value.remedy


async def test_a_host_by_uri_alone_runs_no_commands(host: LibvirtHypervisor):
    with pytest.raises(OperationError, match="gives libvirt only"):
        await host.access.run(("true",), deadline_s=S)
    (probe,) = await host.storage.probe_disks(("/vm/x",), deadline_s=S)
    assert (probe.visible, "gives libvirt only" in probe.detail) == (False, True)


async def test_what_this_driver_lacks_is_told_as_a_refusal(host: LibvirtHypervisor):
    vm = an_id("web-1")
    for call in (host.migration.job(vm, deadline_s=S), host.migration.abort(vm, deadline_s=S)):
        with pytest.raises(OperationError, match="not supported by the connection driver"):
            await call
    with pytest.raises(OperationError, match="not supported by the connection driver"):
        await host.serial.open(an_id("passing"), force=False, deadline_s=S)
    with pytest.raises(OperationError, match="it has no serial port") as found:
        await host.serial.open(vm, force=False, deadline_s=S)
    assert "<serial type='pty'/>" in found.value.remedy
