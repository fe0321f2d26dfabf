"""Boot one hypervisor: its namespace, its cable, its view of the file system, its sshd and libvirtd."""

import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from novacron.lab import configs
from novacron.lab.errors import LabError
from novacron.lab.files import DISK_FOLDERS, FilesPlan, mounts
from novacron.lab.layout import GUEST, LOCAL, SHARED, HostLayout, Layout
from novacron.lab.namespaces import Namespace, open_inner, program, shell_line

DISK_MIB = 1024
"""Size of each host's own disk; memory of the machine is taken as it fills."""

SSHD_PID = "/run/sshd.pid"
LIBVIRTD_PID = "/run/libvirtd.pid"
"""On the host."""

_LIBVIRT_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPlan:
    """What a host is booted with."""

    host: HostLayout
    hosts: tuple[HostLayout, ...]
    """All hosts of the lab, itself included: who it can name."""
    layout: Layout
    guest: Path
    """Folder of the guest's kernel and initrd."""
    kvm: bool

    def files(self, *, as_user: bool) -> FilesPlan:
        """Return what the host's view of the file system is made of."""
        return FilesPlan(
            disk=self.host.disk, shared=self.layout.shared, guest=self.guest, kvm=self.kvm, as_user=as_user
        )


def prepare_disk(outer: Namespace, plan: HostPlan) -> None:
    """Make the host's disk, empty but for its configuration. It lives as long as the lab."""
    disk = plan.host.disk
    disk.mkdir(parents=True, exist_ok=True)
    folders = [str(disk / folder) for folder in DISK_FOLDERS]
    inner = [str(disk / "var/lib/libvirt" / path.name) for path in (SHARED, LOCAL, GUEST)]
    outer.script(
        [
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m,mode=755", plan.host.name, str(disk)],
            ["mkdir", "-p", *folders, *inner],
            # What libvirt found out about QEMU at an earlier start: finding it out anew costs seconds.
            ["cp", "-a", f"{plan.layout.capabilities}/.", str(disk / "var/cache/libvirt")],
        ]
    )
    _write_configs(outer, plan)


def boot_host(outer: Namespace, plan: HostPlan, mark: str) -> Namespace:
    """Start the host on its disk; return when its sshd and its libvirtd answer.

    Raises: LabError with what the daemon said.
    """
    inner = open_inner(outer, mark, plan.host.name)
    _plug_in(outer, inner, plan.host)
    inner.script([*mounts(plan.files(as_user=inner.as_user)), *_network(plan.host), ["hostname", plan.host.name]])
    start_sshd(inner)
    start_libvirtd(inner)
    return inner


def start_sshd(inner: Namespace) -> None:
    """Start the host's sshd unless it runs."""
    if not is_running(inner, SSHD_PID):
        # By its full path: it starts itself anew for each connection.
        inner.run([program("sshd"), "-f", "/run/ssh/sshd_config", "-E", "/var/log/libvirt/sshd.log"])


def start_libvirtd(inner: Namespace) -> None:
    """Start the host's libvirtd unless it runs, and wait until it answers."""
    if not is_running(inner, LIBVIRTD_PID):
        inner.run(["rm", "-f", LIBVIRTD_PID])
        inner.run([program("libvirtd"), "-d", "-p", LIBVIRTD_PID])
    deadline = time.monotonic() + _LIBVIRT_TIMEOUT_S
    while inner.run(["virsh", "-q", "uri"], check=False, timeout_s=_LIBVIRT_TIMEOUT_S).returncode:
        if time.monotonic() > deadline or not is_running(inner, LIBVIRTD_PID):
            said = inner.run(["tail", "-n", "3", "/var/log/libvirt/libvirtd.log"], check=False).stdout
            raise LabError(inner.subject, f"libvirtd does not answer: {said.strip()}")
        time.sleep(0.05)


def is_running(inner: Namespace, pid_file: str) -> bool:
    """Return whether the daemon that wrote this pid file on the host still lives."""
    test = f'[ -s {pid_file} ] && kill -0 "$(cat {pid_file})"'
    return inner.run(["sh", "-c", test], check=False).returncode == 0


def virsh(inner: Namespace, *commands: Sequence[str], timeout_s: float = 60.0) -> str:
    """Run virsh commands on the host in one process; return what they printed."""
    text = "; ".join(shell_line(command) for command in commands)
    return inner.run(["virsh", "-q", text], timeout_s=timeout_s).stdout


def sshd_punishes() -> bool:
    """Return whether the machine's sshd would block an address after failures (OpenSSH 9.8 and later)."""
    done = subprocess.run([program("sshd"), "-V"], capture_output=True, text=True, check=False)
    found = re.search(r"OpenSSH_(\d+)\.(\d+)", done.stdout + done.stderr)
    return found is not None and (int(found.group(1)), int(found.group(2))) >= (9, 8)


def _write_configs(outer: Namespace, plan: HostPlan) -> None:
    """Write the host's /etc and /root through a folder outside: the disk is mounted inside only."""
    staging = plan.host.folder / "staging"
    host = plan.host
    passwd = configs.passwd(Path("/etc/passwd").read_text())
    texts = {
        "etc/libvirt/libvirtd.conf": configs.libvirtd_conf(host),
        "etc/libvirt/qemu.conf": configs.qemu_conf(host),
        "etc/hosts": configs.etc_hosts(plan.hosts),
        "etc/hostname": f"{host.name}\n",
        "etc/machine-id": host.uuid.replace("-", "") + "\n",
        "etc/passwd": passwd,
        "etc/shadow": configs.shadow(passwd),
        "etc/group": configs.group(Path("/etc/group").read_text()),
        # The machine's own includes files, and inside a user namespace ssh refuses those: root outside is nobody there.
        "etc/ssh/ssh_config": "",
        "root/.ssh/config": configs.peer_ssh_config(),
        "root/.ssh/known_hosts": plan.layout.known_hosts.read_text(),
        "root/.ssh/sshd_config": configs.sshd_config(host, penalties=sshd_punishes()),
        "root/.ssh/id_ed25519": plan.layout.operator_key.read_text(),
        "root/.ssh/authorized_keys": plan.layout.operator_key.with_suffix(".pub").read_text(),
        "root/.ssh/host_key": (plan.layout.keys / host.name).read_text(),
    }
    for place, text in texts.items():
        path = staging / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600 if "root/" in place or place == "etc/shadow" else 0o644)
    for private in (staging / "root", staging / "root/.ssh"):
        private.chmod(0o700)
    outer.script([["cp", "-a", f"{staging}/.", str(host.disk)], ["chmod", "755", str(host.disk)]])
    shutil.rmtree(staging)


def _plug_in(outer: Namespace, inner: Namespace, host: HostLayout) -> None:
    # A process is known by another number in the namespace in which `ip` runs.
    number = _number_inside(inner)
    # After a crash the old cable may still be there: the kernel clears away in its own time.
    outer.run(["ip", "link", "del", host.veth], check=False)
    outer.script(
        [
            ["ip", "link", "add", host.veth, "type", "veth", "peer", "name", "eth0", "netns", number],
            ["ip", "link", "set", host.veth, "master", "lab", "up"],
        ]
    )


def _number_inside(inner: Namespace) -> str:
    status = Path(f"/proc/{inner.first.pid}/status").read_text()
    numbers = re.search(r"^NSpid:\s*(.*)$", status, re.MULTILINE)
    if numbers is None:
        raise LabError(inner.subject, "its first process has ended")
    return numbers.group(1).split()[-2]


def _network(host: HostLayout) -> list[list[str]]:
    return [
        ["ip", "link", "set", "lo", "up"],
        ["ip", "link", "add", "br0", "type", "bridge", "stp_state", "0", "forward_delay", "0"],
        # The same after a crash as before: the others remember who answered to the address.
        ["ip", "link", "set", "eth0", "address", host.mac],
        ["ip", "link", "set", "br0", "address", host.mac],
        ["ip", "link", "set", "eth0", "master", "br0", "up"],
        ["ip", "addr", "add", f"{host.address}/24", "dev", "br0"],
        ["ip", "link", "set", "br0", "up"],
    ]
