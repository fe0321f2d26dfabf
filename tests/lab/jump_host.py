"""A person at a jump host: a fleet file, terminals, and the command line, against the lab."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from novacron.lab.lab import Lab
from novacron.model.errors import ExitCode
from tests.lab_fixtures import eventually
from tests.terminal import Terminal


class JumpHost:
    """Runs `novacron` on a fleet file of the lab, with a backend of its own."""

    def __init__(self, lab: Lab, home: Path) -> None:
        self._command = [sys.executable, "-m", "novacron.cli.main", "--fleet", str(lab.fleet_toml)]
        self._env = {
            **os.environ,
            "NOVACRON_RUNTIME_DIR": str(home / "run"),
            "NOVACRON_STATE_DIR": str(home / "state"),
            "NOVACRON_CONFIG_DIR": str(home / "config"),
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
        }
        self._opened: list[Terminal] = []

    def terminal(self, *arguments: str, columns: int = 80, rows: int = 24) -> Terminal:
        """Run a command on a pty; without arguments: the console."""
        opened = Terminal([*self._command, *arguments], env=self._env, columns=columns, rows=rows)
        self._opened.append(opened)
        return opened

    def run(self, *arguments: str, code: int | None = 0) -> "subprocess.CompletedProcess[bytes]":
        """Run a command into pipes, and expect its exit code; None: any.

        What was made a moment ago may be told of a moment later: what is not found is looked for again.
        """
        deadline = time.monotonic() + 30
        while True:
            done = subprocess.run(
                [*self._command, *arguments], env=self._env, capture_output=True, timeout=180, check=False
            )
            if done.returncode != ExitCode.NOT_FOUND or code == ExitCode.NOT_FOUND or time.monotonic() > deadline:
                break
        assert code is None or done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
        return done

    def read(self, *arguments: str) -> list[dict[str, Any]]:
        """Return what a reading command says as JSON."""
        done = self.run(*arguments, "--json", code=None)
        # Also of a fleet with hosts that never answered.
        assert done.returncode in (ExitCode.OK, ExitCode.UNREACHABLE), (arguments, done.stderr)
        listed: list[dict[str, Any]] = json.loads(done.stdout)
        return listed

    def wait_until_read(self) -> None:
        """Return once every host was read: what is offered and refused depends on it."""
        deadline = time.monotonic() + 90
        while not all(host["current"] for host in self.read("hosts")):
            assert time.monotonic() < deadline, self.read("hosts")

    def backend_pid(self) -> int:
        """Return the backend's process."""
        return int(json.loads(self.run("status", "--json").stdout)["pid"])

    def socket(self) -> Path:
        """Return the socket on which the backend listens."""
        journal = Path(json.loads(self.run("status", "--json").stdout)["journal_path"])
        return journal.parents[2] / "run" / journal.parent.name / "backend.sock"

    def operation_states(self) -> list[str]:
        """Return the states of all operations, newest first."""
        return [operation["state"] for operation in self.read("ops")]

    def vm(self, vm_id: str) -> dict[str, Any]:
        """Return a VM as `novacron vms --json` tells it."""
        return self.vms(vm_id)[vm_id]

    def vms(self, *wanted: str) -> dict[str, dict[str, Any]]:
        """Return all VMs by UUID as `novacron vms --json` tells them, once these are among them."""
        known: dict[str, dict[str, Any]] = {}

        def are_known() -> bool:
            known.update((vm["id"], vm) for vm in self.read("vms"))
            return known.keys() >= set(wanted)

        assert eventually(are_known, timeout_s=90), (wanted, known.keys())
        return known

    def alert(self, rule: str, subject: str) -> dict[str, Any] | None:
        """Return the alert as `novacron alerts --all --json` tells it, holding or cleared; None when there is none."""
        found = (
            alert for alert in self.read("alerts", "--all") if (alert["rule"], alert["subject"]) == (rule, subject)
        )
        return next(found, None)

    def holds(self, rule: str, subject: str) -> bool:
        """Whether the alert is there and holds."""
        found = self.alert(rule, subject)
        return found is not None and found["cleared_at"] is None

    def is_cleared(self, rule: str, subject: str) -> bool:
        """Whether the alert was there and is over."""
        found = self.alert(rule, subject)
        return found is not None and found["cleared_at"] is not None

    def leave(self) -> None:
        """Close every terminal and end the backend."""
        for terminal in self._opened:
            terminal.close()
        self.run("detach", "--stop", code=None)


@contextmanager
def at_a_jump_host(lab: Lab) -> Iterator[JumpHost]:
    """Give a jump host where nothing runs yet; what was started there ends with the block."""
    # Short: unix socket paths are.
    with tempfile.TemporaryDirectory(prefix="nco-", dir="/tmp") as home:
        person = JumpHost(lab, Path(home))
        try:
            person.wait_until_read()
            yield person
        finally:
            person.leave()


def have_pools_read(lab: Lab, host: str) -> None:
    """Let libvirt tell of a pool, so that all of them are read now and not at the next inventory."""
    lab.virsh(host, "pool-define-as", "passing", "dir", "--target", "/var/lib/libvirt/passing")
    lab.virsh(host, "pool-undefine", "passing")
