"""Bring a lab up and take it down."""

import os
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from novacron.lab.definitions import network_xml, pool_xml
from novacron.lab.errors import LabError, LabUnavailable
from novacron.lab.guest.image import ensure_guest
from novacron.lab.guest.trial import find_domain_type
from novacron.lab.host import boot_host, prepare_disk, virsh
from novacron.lab.lab import Lab, outer_mark
from novacron.lab.layout import LOCAL, MAX_HOSTS, SHARED, HostLayout, Layout
from novacron.lab.namespaces import Namespace, find_namespace, open_outer
from novacron.lab.premises import make_keys, make_site
from novacron.lab.processes import end_process, is_alive
from novacron.lab.record import Record, exclusively, read_record, with_host, write_record
from novacron.lab.requirements import install_line, missing_packages
from novacron.lab.vms import define_demo_vms

Say = Callable[[str], None]


def up(layout: Layout, *, hosts: int = 3, vms: int = 2, say: Say) -> Lab:
    """Bring the lab up with so many hosts and demo VMs a host; one that runs already is left as it is.

    Raises: LabError when the machine cannot run it, or when a part does not come up (nothing is left then).
    """
    if not 1 <= hosts <= MAX_HOSTS:
        raise LabError(f"lab {layout.name}", f"it can have 1 to {MAX_HOSTS} hosts, not {hosts}")
    with exclusively(layout.lock):
        running = Lab.find(layout)
        if running is not None:
            if len(running.hosts) != hosts:
                say(f"it runs already, with {len(running.hosts)} hosts; take it down to change that")
            return running
        _check_machine(layout)
        _take_down(layout)
        try:
            return _build(layout, hosts, vms, say)
        except BaseException:
            _take_down(layout)
            raise


def down(layout: Layout) -> bool:
    """End everything of the lab and remove its folder; return whether there was anything."""
    with exclusively(layout.lock):
        was_there = _take_down(layout)
        layout.lock.unlink(missing_ok=True)
    return was_there


def _check_machine(layout: Layout) -> None:
    missing = missing_packages()
    if missing:
        detail = f"the machine lacks {', '.join(missing)}"
        raise LabError(f"lab {layout.name}", detail, f"run `{install_line(missing)}`")
    for device in ("/dev/fuse", "/dev/net/tun"):
        if not os.access(device, os.R_OK | os.W_OK):
            remedy = "run the lab as root" if os.geteuid() else "the lab needs FUSE and TUN"
            raise LabUnavailable(f"lab {layout.name}", f"{device} cannot be opened", remedy)


def _build(layout: Layout, count: int, vms: int, say: Say) -> Lab:
    started = time.monotonic()
    layout.cache.mkdir(parents=True, exist_ok=True)
    layout.capabilities.mkdir(exist_ok=True)
    layout.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    hosts = tuple(layout.host(index) for index in range(1, count + 1))
    with exclusively(layout.cache / "lock"):
        guest = ensure_guest(layout.cache, say)
        domain_type = find_domain_type(guest, layout.cache)
    say("guests run under " + ("KVM" if domain_type == "kvm" else "TCG: KVM does not work here"))
    make_keys(layout, hosts)
    outer = open_outer(outer_mark(layout))
    record = Record(
        outer=outer.first,
        as_user=outer.as_user,
        domain_type=domain_type,
        guest=str(guest.folder),
    )
    write_record(layout, record)
    say("network, shared storage and relay")
    make_site(outer, layout, hosts)
    lab = Lab(layout=layout, record=record)
    record = _boot_all(lab, outer, hosts, say)
    lab = Lab(layout=layout, record=record)
    define_demo_vms(lab, vms, say)
    _keep_capabilities(lab, outer)
    lab.remember(replace(lab.record, ready=True))
    say(f"up after {time.monotonic() - started:.1f} s: {', '.join(host.name for host in hosts)}")
    return lab


def _boot_all(lab: Lab, outer: Namespace, hosts: Sequence[HostLayout], say: Say) -> Record:
    def boot(host: HostLayout) -> Namespace:
        plan = lab.plan(host, tuple(hosts))
        prepare_disk(outer, plan)
        inner = boot_host(outer, plan, lab.mark(host))
        define_basics(inner)
        say(f"{host.name} ({host.address}) is up")
        return inner

    record = lab.record
    with ThreadPoolExecutor(len(hosts)) as pool:
        for host, inner in zip(hosts, pool.map(boot, hosts), strict=True):
            record = with_host(record, host.name, inner.first)
    write_record(lab.layout, record)
    return record


def define_basics(inner: Namespace) -> None:
    """Define and start the pools and the network that every host has, and let libvirt get to know its QEMU."""
    texts = {
        "shared-pool": pool_xml("shared", SHARED),
        "local-pool": pool_xml("local", LOCAL),
        "network": network_xml(),
    }
    for name, text in texts.items():
        inner.run(["tee", f"/tmp/{name}.xml"], stdin=text)  # noqa: S108 -- the host's own /tmp
    commands: list[list[str]] = [["net-define", "/tmp/network.xml"]]  # noqa: S108
    commands += [["net-autostart", "default"], ["net-start", "default"]]
    for pool in ("shared", "local"):
        commands += [["pool-define", f"/tmp/{pool}-pool.xml"]]  # noqa: S108
        commands += [["pool-autostart", pool], ["pool-start", pool]]
    # The first question about QEMU makes libvirt find out what it can do: seconds, and not under somebody's first VM.
    virsh(inner, *commands, ["domcapabilities"])


def _keep_capabilities(lab: Lab, outer: Namespace) -> None:
    # Only a convenience: libvirt checks at its next start whether the findings still hold.
    found = lab.hosts[0].disk / "var/cache/libvirt/qemu/capabilities"
    kept = lab.layout.capabilities / "qemu"
    with exclusively(lab.layout.cache / "lock"):
        outer.script([["mkdir", "-p", str(kept)], ["cp", "-a", str(found), str(kept)]])


def _take_down(layout: Layout) -> bool:
    record = read_record(layout)
    was_there = layout.state.exists()
    marks = [record.outer] if record and record.outer else []
    # What came up in the moment before it was written down is found by its mark.
    lost = find_namespace(outer_mark(layout), subject=f"lab {layout.name}", as_user=False)
    marks += [lost.first] if lost else []
    for mark in marks:
        was_there = was_there or is_alive(mark)
        if not end_process(mark):
            detail = f"process {mark.pid} does not end"
            raise LabError(f"lab {layout.name}", detail, "look at it with `ps`, then `down` again")
    if layout.state.exists():
        shutil.rmtree(layout.state)
    return was_there
