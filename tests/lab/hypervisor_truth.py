"""What the hypervisors themselves say of a VM, by virsh on each host, and what the guest says on its serial line."""

import itertools
import re
import time
from collections.abc import Callable

from novacron.lab.lab import Lab

PATIENCE_S = 180.0
"""For states that come in seconds on an idle machine: only a test that fails waits for so long."""
_BOOT_S = 300.0
_TALK = """\
exec 3<>"$1"
stty raw -echo <&3
printf '%s\\n' "$2" >&3
while IFS= read -r -t 3 heard <&3; do
    printf '%s\\n' "$heard"
    case $heard in "$3"*) exit ;; esac
done
"""
"""Types a line, and reads until the word that ends the answer or until nothing more comes."""
_marks = itertools.count(1000)


def wait_until(holds: Callable[[], object], what: str, *, timeout_s: float = PATIENCE_S, every_s: float = 0.2) -> None:
    """Wait until it holds, or fail with `what` was waited for."""
    until = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < until, f"after {timeout_s:g} s still waiting until {what}"
        time.sleep(every_s)


def states(lab: Lab, vm: str) -> dict[str, str]:
    """Return the VM's state on each host that knows it. Every libvirtd has to answer."""
    found = {}
    for host in lab.hosts:
        said = lab.attempt(host.name, ["virsh", "-q", "domstate", vm])
        if said.returncode == 0:
            found[host.name] = said.stdout.strip()
        else:
            assert "failed to get domain" in said.stderr, (host.name, said.stderr)
    return found


def reason(lab: Lab, host: str, vm: str) -> str:
    """Return the VM's state with its reason, such as "shut off (crashed)"."""
    return lab.virsh(host, "domstate", vm, "--reason").strip()


def copies_memory(lab: Lab, host: str, vm: str) -> bool:
    """Whether a migration away from the host is under way and has sent some of the VM's memory."""
    said = lab.attempt(host, ["virsh", "-q", "domjobinfo", vm]).stdout
    sent = re.search(r"Memory processed:\s+([\d.]+) [KMG]iB", said)
    return "Outgoing migration" in said and "Unbounded" in said and sent is not None and float(sent.group(1)) > 0


def has_job(lab: Lab, host: str, vm: str) -> bool:
    """Whether any job is under way on the VM."""
    said = lab.attempt(host, ["virsh", "-q", "domjobinfo", vm])
    return said.returncode == 0 and not re.search(r"Job type:\s+None", said.stdout)


def guest_says(lab: Lab, host: str, vm: str, command: str, *, timeout_s: float = PATIENCE_S) -> str:
    """Run a command in the guest, by its serial line on its host, and return what it printed.

    A line that is not answered is typed again: the command has to bear that.
    """
    line = lab.virsh(host, "ttyconsole", vm).strip()
    until = time.monotonic() + timeout_s
    while True:
        mark = next(_marks)
        # Printed marks differ from typed ones, which the line echoes.
        typed = f"echo from-$(({mark}+0)); {command}; echo to-$(({mark}+0))"
        argv = ["bash", "-c", _TALK, "bash", line, typed, f"to-{mark}"]
        heard = lab.attempt(host, argv, timeout_s=PATIENCE_S).stdout.replace("\r", "")
        found = re.search(rf"\nfrom-{mark}\n(.*?)to-{mark}\n", heard, re.DOTALL)
        if found:
            return found.group(1).strip()
        assert time.monotonic() < until, f"{vm} on {host} does not answer: {heard!r}"


def wait_for_guest(lab: Lab, host: str, vm: str) -> None:
    """Wait until the guest has booted and answers."""
    guest_says(lab, host, vm, "true", timeout_s=_BOOT_S)
