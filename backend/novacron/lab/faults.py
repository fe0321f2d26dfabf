"""What can go wrong on purpose, and how each is mended.

A fault is written down when it is made, so that any process (another terminal, the next test) can mend it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from novacron.lab import host_faults, network_faults
from novacron.lab.errors import LabError
from novacron.lab.host import start_libvirtd, start_sshd
from novacron.lab.lab import Lab
from novacron.lab.layout import HostLayout
from novacron.lab.network_faults import Act
from novacron.lab.premises import ask_relay, start_relay
from novacron.lab.record import exclusively, write_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One kind of fault."""

    kind: str
    help: str
    make: Act
    mend: Act
    argument: str = ""
    """What its argument means; empty: it takes none."""
    default: str = ""
    """Its argument when none is given; empty: it must be given."""
    lasts: bool = True
    """Whether there is something to mend."""


def make_fault(lab: Lab, kind: str, host_name: str, argument: str = "") -> None:
    """Make a fault on a host.

    Raises: LabError when there is no such fault or host, or the argument is wrong.
    """
    fault = FAULTS.get(kind)
    if fault is None:
        raise LabError(kind, f"no such fault; there are {', '.join(FAULTS)}")
    host = lab.host(host_name)
    if argument and not fault.argument:
        raise LabError(kind, "it takes no argument")
    argument = argument or fault.default
    if fault.argument and not argument:
        raise LabError(kind, f"it needs an argument: {fault.argument}")
    with exclusively(_faults_file(lab).with_suffix(".lock")):
        # Written down first: a fault that was made by halves has to be mended as well.
        if fault.lasts:
            active = {name: dict(kinds) for name, kinds in active_faults(lab).items()}
            active.setdefault(host.name, {})[kind] = argument
            write_json(_faults_file(lab), active)
        fault.make(lab, host, argument)


def mend_host(lab: Lab, host_name: str) -> list[str]:
    """Mend every fault of a host and start what should run; return the kinds mended."""
    host = lab.host(host_name)
    with exclusively(_faults_file(lab).with_suffix(".lock")):
        active = {name: dict(kinds) for name, kinds in active_faults(lab).items()}
        kinds = active.pop(host.name, {})
        if not lab.is_up(host):
            host_faults.boot_again(lab, host)
        for kind, argument in reversed(kinds.items()):
            FAULTS[kind].mend(lab, host, argument)
        write_json(_faults_file(lab), active)
    inner = lab.inside(host)
    start_sshd(inner)
    start_libvirtd(inner)
    return list(kinds)


def mend_all(lab: Lab) -> dict[str, list[str]]:
    """Mend every fault of the lab; return what was mended on which host."""
    try:
        ask_relay(lab.layout, {})
    except LabError:
        start_relay(lab.outer, lab.layout, lab.hosts)
    mended = {host.name: mend_host(lab, host.name) for host in lab.hosts}
    return {name: kinds for name, kinds in mended.items() if kinds}


def active_faults(lab: Lab) -> Mapping[str, Mapping[str, str]]:
    """Return by host the faults it suffers, with their arguments."""
    try:
        faults: dict[str, dict[str, str]] = json.loads(_faults_file(lab).read_text())
    except (OSError, ValueError):
        return {}
    return faults


def _faults_file(lab: Lab) -> Path:
    return lab.layout.state / "faults.json"


def _nothing(lab: Lab, host: HostLayout, argument: str) -> None:
    """Mend nothing: starting what should run is enough."""


_ALL = (
    Fault(
        kind="partition",
        help="cut off the network: cable out",
        make=network_faults.unplug,
        mend=network_faults.plug,
    ),
    Fault(
        kind="no-peers",
        help="a firewall between it and the other hosts; the operator still gets in",
        make=network_faults.shut_out,
        mend=network_faults.let_meet,
    ),
    Fault(
        kind="half-open",
        help="connections stay up, nothing comes through, nothing is refused",
        make=network_faults.half_open,
        mend=network_faults.unhalf_open,
    ),
    Fault(
        kind="delay",
        help="the operator's connections get slower, both ways",
        make=network_faults.delay,
        mend=network_faults.undelay,
        argument="milliseconds each way",
        default="500",
    ),
    Fault(
        kind="drop",
        help="the operator's connections break when they have carried so much",
        make=network_faults.drop,
        mend=network_faults.undrop,
        argument="bytes",
        default="65536",
    ),
    Fault(
        kind="slow",
        help="a thin cable",
        make=network_faults.slow,
        mend=network_faults.unslow,
        argument="kbit/s",
        default="1000",
    ),
    Fault(
        kind="loss",
        help="packets get lost, both ways",
        make=network_faults.lose,
        mend=network_faults.unlose,
        argument="percent",
        default="30",
    ),
    Fault(
        kind="freeze-libvirtd",
        help="libvirtd hangs (SIGSTOP)",
        make=host_faults.freeze_libvirtd,
        mend=host_faults.thaw_libvirtd,
    ),
    Fault(kind="kill-libvirtd", help="libvirtd dies", make=host_faults.kill_libvirtd, mend=_nothing),
    Fault(
        kind="no-libvirt",
        help="libvirtd is gone and so is its socket",
        make=host_faults.remove_libvirt,
        mend=_nothing,
    ),
    Fault(kind="kill-sshd", help="sshd dies with its connections", make=host_faults.kill_sshd, mend=_nothing),
    Fault(kind="rekey", help="the host shows another ssh key", make=host_faults.rekey, mend=host_faults.unrekey),
    Fault(
        kind="lock-out",
        help="the host takes the operator's key no more",
        make=host_faults.lock_out,
        mend=host_faults.let_in,
    ),
    Fault(kind="crash", help="the host loses power; healing boots it", make=host_faults.crash, mend=_nothing),
    Fault(
        kind="kill-guest",
        help="a VM's QEMU dies",
        make=host_faults.kill_guest,
        mend=_nothing,
        argument="name of the VM",
        lasts=False,
    ),
    Fault(
        kind="fill-disk",
        help="the host's own disk is full",
        make=host_faults.fill_disk,
        mend=host_faults.empty_disk,
        argument="percent",
        default="100",
    ),
    Fault(
        kind="pause-storage",
        help="the shared storage hangs, for all hosts",
        make=host_faults.pause_storage,
        mend=host_faults.resume_storage,
    ),
)

FAULTS: Mapping[str, Fault] = {fault.kind: fault for fault in _ALL}
"""Every fault by its kind."""
