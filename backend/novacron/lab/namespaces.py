"""Make and enter the lab's namespaces.

One outer namespace (network, mounts, hostname, processes, and users when not root) holds everything; inside
it each host has its own. Process number 1 of each is a `sleep` that reaps: when it ends, the kernel ends
everything in there, and with the last process go mounts, cables and bridges. That is the whole of taking
down, and nothing can be missed.
"""

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from novacron.lab.errors import LabError, LabUnavailable
from novacron.lab.processes import (
    ProcessMark,
    find_by_environment,
    is_first_of_namespace,
    mark_process,
)
from novacron.lab.requirements import find_program

MARK = "NOVACRON_LAB_NAMESPACE"
"""An environment variable that only a namespace's first process has: the way to find it."""

_KINDS = ("--net", "--mount", "--uts", "--ipc", "--pid")
_START_TIMEOUT_S = 10.0
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """A living namespace, by its first process."""

    subject: str
    first: ProcessMark
    as_user: bool
    """Whether it is (or is inside) a user namespace of an ordinary user."""

    def enter(self, argv: Sequence[str]) -> list[str]:
        """Return the command line that runs `argv` inside."""
        user = ["--user", "--preserve-credentials"] if self.as_user else []
        target = ["--target", str(self.first.pid)]
        return [program("nsenter"), *target, *user, *_KINDS, "--", *argv]

    def run(
        self, argv: Sequence[str], *, timeout_s: float = 30.0, stdin: str = "", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run `argv` inside and return what it printed.

        Raises: LabError with what it said on a failure (unless `check` is false) and at the time limit.
        """
        try:
            done = subprocess.run(
                self.enter(argv),
                input=stdin,
                text=True,
                errors="replace",
                capture_output=True,
                timeout=timeout_s,
                env=inner_environment(),
                cwd="/",
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            detail = f"`{' '.join(argv)[:200]}` took over {timeout_s:g} s"
            raise LabError(self.subject, detail, "see `novacron lab status`") from error
        if check and done.returncode != 0:
            said = (done.stderr or done.stdout).strip()
            raise LabError(self.subject, f"`{' '.join(argv)[:200]}` failed: {said}")
        return done

    def script(self, commands: Sequence[Sequence[str]], *, timeout_s: float = 30.0) -> str:
        """Run commands inside one by one, stopping at the first that fails; return what they printed."""
        lines = "\n".join(shell_line(command) for command in commands)
        return self.run(["/bin/sh", "-eu"], stdin=lines + "\n", timeout_s=timeout_s).stdout


def shell_line(argv: Sequence[str]) -> str:
    """Return `argv` as a line of shell in which every word means itself."""
    return shlex.join(argv)


def inner_environment() -> dict[str, str]:
    """Return the environment of what runs inside: the operator's own settings mean nothing there."""
    kept = {key: os.environ[key] for key in ("TERM", "LANG", "COLORTERM") if key in os.environ}
    return {"PATH": _PATH, "HOME": "/root", "USER": "root", "LC_ALL": "C.UTF-8", **kept}


def open_outer(name: str) -> Namespace:
    """Make a lab's outer namespace, under the mark `name`.

    Raises: LabError that says which right or program is missing.
    """
    as_user = os.geteuid() != 0
    user = ["--user", "--map-root-user", "--map-auto"] if as_user else []
    options = [*user, *_KINDS, "--fork", "--kill-child", "--mount-proc"]
    argv = [program("unshare"), *options, "--", *_first_process(name)]
    holder = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        env=inner_environment(),
        cwd="/",
        text=True,
    )
    deadline = time.monotonic() + _START_TIMEOUT_S
    while (found := find_namespace(name, subject="lab", as_user=as_user)) is None:
        if holder.poll() is not None:
            said = holder.stderr.read().strip() if holder.stderr else ""
            raise LabUnavailable("lab", f"this machine refuses namespaces: {said}", refusal_remedy())
        if time.monotonic() > deadline:
            holder.kill()
            raise LabError("lab", "the namespace did not come up", refusal_remedy())
        time.sleep(0.01)
    return found


def open_inner(outer: Namespace, name: str, subject: str) -> Namespace:
    """Make a host's namespace inside the lab's, under the mark `name`."""
    unshare = [program("unshare"), *_KINDS, "--fork", "--kill-child", "--mount-proc"]
    outer.run(
        [
            program("setsid"),
            "--fork",
            "sh",
            "-c",
            'exec "$@" </dev/null >/dev/null 2>&1',
            "sh",
            *unshare,
            "--",
            *_first_process(name),
        ]
    )
    deadline = time.monotonic() + _START_TIMEOUT_S
    while (found := find_namespace(name, subject=subject, as_user=outer.as_user)) is None:
        if time.monotonic() > deadline:
            raise LabError(subject, "its namespace did not come up")
        time.sleep(0.01)
    return found


def find_namespace(name: str, *, subject: str, as_user: bool) -> Namespace | None:
    """Return the living namespace under the mark `name`, if there is one."""
    for pid in find_by_environment(MARK, name):
        if not is_first_of_namespace(pid):
            continue
        mark = mark_process(pid)
        if mark is not None:
            return Namespace(subject=subject, first=mark, as_user=as_user)
    return None


def program(name: str) -> str:
    """Return a program's path, also from the folders that an ordinary user's PATH leaves out."""
    path = find_program(name)
    if path is None:
        raise LabError("lab", f"{name} is missing", f"run {sys.executable} -m novacron.lab.requirements")
    return path


def refusal_remedy() -> str:
    """Return what to do when the kernel refuses a namespace."""
    if os.geteuid() == 0:
        return "the lab needs a kernel and a container that let root make namespaces"
    for setting, wanted in _SWITCHES.items():
        value = _read(setting)
        if value is not None and value != wanted:
            name = setting.removeprefix("/proc/sys/").replace("/", ".")
            return f"run `sudo sysctl {name}={wanted}`, or run the lab as root"
    if find_program("newuidmap") is None:
        return "install uidmap, or run the lab as root"
    return (
        "give yourself ids with `sudo usermod --add-subuids 100000-165535 "
        "--add-subgids 100000-165535 $USER`, or run the lab as root"
    )


_SWITCHES = {
    "/proc/sys/kernel/apparmor_restrict_unprivileged_userns": "0",
    "/proc/sys/kernel/unprivileged_userns_clone": "1",
}


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="ascii") as file:  # noqa: PTH123 -- a kernel switch, not a file of ours
            return file.read().strip()
    except OSError:
        return None


def _first_process(name: str) -> list[str]:
    # Ignoring SIGCHLD makes the kernel bury every orphan that the namespace's daemons leave behind.
    return [program("env"), "--ignore-signal=CHLD", f"{MARK}={name}", "sleep", "infinity"]
