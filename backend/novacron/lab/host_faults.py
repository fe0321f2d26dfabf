"""Faults of a host: its daemons, its power, its guests, its disk."""

from novacron.lab.errors import LabError
from novacron.lab.host import LIBVIRTD_PID, SSHD_PID, boot_host, start_sshd
from novacron.lab.lab import Lab
from novacron.lab.layout import HostLayout
from novacron.lab.network_faults import whole_number
from novacron.lab.processes import end_process
from novacron.lab.record import with_host


def _signal_daemon(lab: Lab, host: HostLayout, signal: str, pid_file: str) -> None:
    lab.run(host, ["sh", "-c", f'kill -{signal} "$(cat {pid_file})"'])


def freeze_libvirtd(lab: Lab, host: HostLayout, _: str) -> None:
    """Stop libvirtd by SIGSTOP."""
    _signal_daemon(lab, host, "STOP", LIBVIRTD_PID)


def thaw_libvirtd(lab: Lab, host: HostLayout, _: str) -> None:
    """Let libvirtd go on."""
    lab.attempt(host, ["sh", "-c", f'kill -CONT "$(cat {LIBVIRTD_PID})"'])


def kill_libvirtd(lab: Lab, host: HostLayout, _: str) -> None:
    """Kill libvirtd; its socket stays and refuses."""
    _signal_daemon(lab, host, "KILL", LIBVIRTD_PID)


def remove_libvirt(lab: Lab, host: HostLayout, _: str) -> None:
    """Kill libvirtd and take its sockets away."""
    _signal_daemon(lab, host, "KILL", LIBVIRTD_PID)
    lab.run(host, ["sh", "-c", "rm -f /run/libvirt/*-sock* /run/libvirt/*/*-sock*"])


# The host has a process namespace of its own: nobody else's sshd is in this list.
_SSH_PROCESSES = """
for entry in /proc/[0-9]*; do
    read -r name 2>/dev/null <"$entry/comm" || continue
    case $name in sshd*) [ "${entry#/proc/}" = "$1" ] || kill -9 "${entry#/proc/}" 2>/dev/null ;; esac
done
true
"""


def kill_sshd(lab: Lab, host: HostLayout, _: str) -> None:
    """Kill sshd and every connection through it."""
    lab.run(host, ["sh", "-c", _SSH_PROCESSES, "sh", "none"])
    lab.run(host, ["rm", "-f", SSHD_PID])


def _end_sessions(lab: Lab, host: HostLayout) -> None:
    listener = lab.attempt(host, ["cat", SSHD_PID]).stdout.strip()
    lab.run(host, ["sh", "-c", _SSH_PROCESSES, "sh", listener or "none"])


def rekey(lab: Lab, host: HostLayout, _: str) -> None:
    """Give the host another ssh key."""
    key = "/root/.ssh/host_key"
    lab.run(
        host,
        [
            "sh",
            "-euc",
            f"[ -e {key}.true ] || mv {key} {key}.true; rm -f {key} {key}.pub; "
            f"ssh-keygen -q -t ed25519 -N '' -C changed -f {key}",
        ],
    )
    kill_sshd(lab, host, "")
    start_sshd(lab.inside(host))


def unrekey(lab: Lab, host: HostLayout, _: str) -> None:
    """Give the host its own ssh key back."""
    key = "/root/.ssh/host_key"
    lab.run(
        host, ["sh", "-euc", f"if [ -e {key}.true ]; then mv {key}.true {key}; ssh-keygen -y -f {key} >{key}.pub; fi"]
    )
    kill_sshd(lab, host, "")
    start_sshd(lab.inside(host))


def lock_out(lab: Lab, host: HostLayout, _: str) -> None:
    """Take the operator's key off the host and end its sessions."""
    lab.run(host, ["sh", "-c", ": >/run/ssh/authorized_keys"])
    _end_sessions(lab, host)


def let_in(lab: Lab, host: HostLayout, _: str) -> None:
    """Put the operator's key back."""
    lab.run(host, ["sh", "-c", "cat /root/.ssh/authorized_keys >/run/ssh/authorized_keys"])


def crash(lab: Lab, host: HostLayout, _: str) -> None:
    """Take the power away: everything on the host ends at once, its disk stays."""
    mark = lab.inside(host).first
    if not end_process(mark):
        raise LabError(host.name, "it does not end")


def boot_again(lab: Lab, host: HostLayout) -> None:
    """Boot the host when it is down."""
    if not lab.is_up(host):
        inner = boot_host(lab.outer, lab.plan(host, lab.hosts), lab.mark(host))
        lab.remember(with_host(lab.record, host.name, inner.first))


def kill_guest(lab: Lab, host: HostLayout, vm: str) -> None:
    """Kill a VM's QEMU."""
    done = lab.attempt(host, ["sh", "-euc", 'kill -9 "$(cat "/run/libvirt/qemu/$1.pid")"', "sh", vm])
    if done.returncode:
        raise LabError(vm, f"it does not run on {host.name}")


_FILLER = "/var/log/libvirt/filler"


def fill_disk(lab: Lab, host: HostLayout, percent: str) -> None:
    """Fill the host's own disk."""
    wanted = whole_number("fill-disk", percent, low=1, high=100)
    fields = lab.run(host, ["df", "-B1", "--output=size,used,avail", "/var/log/libvirt"]).split()
    size, used, free = (int(field) for field in fields[-3:])
    length = min(free, size * wanted // 100 - used)
    if length > 0:
        lab.run(host, ["fallocate", "-l", str(length), _FILLER])


def empty_disk(lab: Lab, host: HostLayout, _: str) -> None:
    """Remove what fills it."""
    lab.run(host, ["rm", "-f", _FILLER])


def pause_storage(lab: Lab, _: HostLayout, __: str) -> None:
    """Stop the shared storage where it stands."""
    lab.outer.run(["sh", "-c", "kill -STOP $(pidof bindfs)"])


def resume_storage(lab: Lab, _: HostLayout, __: str) -> None:
    """Let the shared storage go on."""
    lab.outer.run(["sh", "-c", "kill -CONT $(pidof bindfs)"])
