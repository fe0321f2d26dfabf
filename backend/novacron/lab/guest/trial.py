"""Find out whether KVM works here by booting the guest: a /dev/kvm that opens may still hang it."""

import contextlib
import json
import os
import selectors
import subprocess
import time
from pathlib import Path

from novacron.lab.guest.image import CMDLINE, Guest
from novacron.lab.processes import boot_id
from novacron.lab.requirements import find_program

KVM = "kvm"
TCG = "qemu"
"""libvirt's domain types."""

_TRIAL_TIMEOUT_S = 6.0


def find_domain_type(guest: Guest, cache: Path) -> str:
    """Return "kvm" where a trial boot proves it, else "qemu"; kept until the machine boots anew."""
    verdicts = cache / "kvm.json"
    key = f"{boot_id()} {guest.folder.name} {os.geteuid()}"
    try:
        known = json.loads(verdicts.read_text())
    except (OSError, ValueError):
        known = {}
    if key not in known:
        known = {key: KVM if boots(guest, KVM, timeout_s=_TRIAL_TIMEOUT_S) else TCG}
        verdicts.write_text(json.dumps(known))
    return str(known[key])


def boots(guest: Guest, domain_type: str, *, timeout_s: float) -> bool:
    """Boot the guest and return whether it said in time that it is ready."""
    accelerator = "kvm" if domain_type == KVM else "tcg"
    qemu = find_program("qemu-system-x86_64")
    if qemu is None or (domain_type == KVM and not os.access("/dev/kvm", os.R_OK | os.W_OK)):
        return False
    machine = ["-machine", f"q35,accel={accelerator}", "-m", "128", "-nodefaults", "-no-reboot"]
    system = ["-kernel", str(guest.kernel), "-initrd", str(guest.initrd), "-append", CMDLINE]
    trial = subprocess.Popen(
        [qemu, *machine, *system, "-display", "none", "-serial", "stdio"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        return _says(trial, b"ready after", time.monotonic() + timeout_s)
    finally:
        trial.kill()
        # A guest stuck in the kernel's KVM dies when it can; it is not waited for.
        with contextlib.suppress(subprocess.TimeoutExpired):
            trial.wait(timeout=2)


def _says(trial: "subprocess.Popen[bytes]", wanted: bytes, deadline: float) -> bool:
    heard = b""
    assert trial.stdout is not None  # noqa: S101 -- Popen was given a pipe
    with selectors.DefaultSelector() as selector:
        selector.register(trial.stdout, selectors.EVENT_READ)
        while (remaining := deadline - time.monotonic()) > 0:
            if not selector.select(remaining):
                return False
            data = os.read(trial.stdout.fileno(), 65536)
            heard += data
            if wanted in heard:
                return True
            if not data:
                return False
    return False
