"""What the hosts of a lab have in common: the wire, the shared storage, the keys, the way in."""

import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from novacron.lab import configs
from novacron.lab.definitions import BASE_IMAGE, BASE_IMAGE_MIB
from novacron.lab.errors import LabError
from novacron.lab.layout import GATEWAY, HostLayout, Layout
from novacron.lab.namespaces import Namespace, program

SHARED_MIB = 2048
"""Size of the shared storage; memory of the machine is taken as it fills."""

_RELAY_TIMEOUT_S = 5.0


def make_site(outer: Namespace, layout: Layout, hosts: Sequence[HostLayout]) -> None:
    """Lay the wire and mount the shared storage, in the outer namespace."""
    for folder in (layout.shared_store, layout.shared):
        folder.mkdir(parents=True, exist_ok=True)
    outer.script(
        [
            ["hostname", layout.name],
            # Nothing of the machine's own daemons is to be found from inside.
            ["mount", "-t", "tmpfs", "-o", "mode=755", "run", "/run"],
            ["ip", "link", "set", "lo", "up"],
            ["ip", "link", "add", "lab", "type", "bridge", "stp_state", "0", "forward_delay", "0"],
            ["ip", "addr", "add", f"{GATEWAY}/24", "dev", "lab"],
            ["ip", "link", "set", "lab", "up"],
            [
                "mount",
                "-t",
                "tmpfs",
                "-o",
                f"size={SHARED_MIB}m,mode=755",
                "shared-store",
                str(layout.shared_store),
            ],
            [
                "qemu-img",
                "create",
                "-q",
                "-f",
                "qcow2",
                str(layout.shared_store / BASE_IMAGE),
                f"{BASE_IMAGE_MIB}M",
            ],
        ]
    )
    start_storage(outer, layout)
    start_relay(outer, layout, hosts)


def start_storage(outer: Namespace, layout: Layout) -> None:
    """Mount the shared storage.

    One FUSE mount for all hosts, of the type by which libvirt knows GlusterFS, a file system that it takes
    for shared. It is shared in earnest: there is one inode for all, on which the kernel keeps QEMU's locks,
    so that a disk that is open on one host cannot be opened on another. (bindfs does not pass locks on
    unless told to.)
    """
    outer.run(
        [
            program("bindfs"),
            "-o",
            "subtype=glusterfs,fsname=lab:/shared",
            str(layout.shared_store),
            str(layout.shared),
        ]
    )


def start_relay(outer: Namespace, layout: Layout, hosts: Sequence[HostLayout]) -> None:
    """Start the relay; its sockets are open when this returns."""
    layout.sockets.mkdir(mode=0o700, parents=True, exist_ok=True)
    config = {
        "hosts": {h.name: {"address": h.address, "socket": str(h.relay_socket)} for h in hosts},
        "control": str(layout.control_socket),
        "log": str(layout.log),
    }
    relay = Path(__file__).with_name("relay.py")
    outer.run([sys.executable, "-I", str(relay)], stdin=json.dumps(config))


def ask_relay(layout: Layout, order: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Give the relay an order and return how each host's way is now.

    Raises: LabError when the relay does not answer or does not take the order.
    """
    try:
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(_RELAY_TIMEOUT_S)
            control.connect(str(layout.control_socket))
            control.sendall(json.dumps(order).encode() + b"\n")
            answer = json.loads(control.makefile("rb").readline() or b"{}")
    except OSError as error:
        raise LabError("relay", f"it does not answer: {error}", "`novacron lab heal --all`") from error
    if "hosts" not in answer:
        raise LabError("relay", str(answer.get("error", "it gave no answer")))
    ways: dict[str, dict[str, float]] = answer["hosts"]
    return ways


def make_keys(layout: Layout, hosts: Sequence[HostLayout]) -> None:
    """Make the operator's key, the hosts' keys, and the files by which ssh and the console enter the lab."""
    layout.keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_key(layout.operator_key, f"operator@{layout.name}")
    for host in hosts:
        make_key(layout.keys / host.name, host.name)
    write_access(layout, hosts)


def make_key(path: Path, comment: str) -> None:
    """Make an ssh key pair unless it is there."""
    if not path.exists():
        command = [program("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"]
        subprocess.run([*command, str(path)], check=True, stdin=subprocess.DEVNULL)


def write_access(layout: Layout, hosts: Sequence[HostLayout]) -> None:
    """Write known_hosts, ssh_config, the ssh wrapper and fleet.toml."""
    keys = [(host, (layout.keys / f"{host.name}.pub").read_text()) for host in hosts]
    layout.known_hosts.write_text(configs.known_hosts(keys))
    layout.ssh_config.write_text(configs.ssh_config(layout, hosts))
    layout.fleet_toml.write_text(configs.fleet_toml(layout, hosts))
    wrapper = layout.state / "ssh"
    wrapper.write_text(configs.ssh_wrapper(layout))
    wrapper.chmod(0o755)
