"""The operator's line drops: what they had confirmed goes on, what they had not has never happened."""

import signal
from collections.abc import Iterator

import pytest

from novacron.lab.lab import Lab
from tests.lab.operators_shell import ShellJumpHost, at_a_shell
from tests.lab.serial_line import ask_guest, wait_booted
from tests.lab_fixtures import MakeVm, eventually

pytestmark = pytest.mark.lab

_PATIENCE_S = 120.0


@pytest.fixture
def operator(lab: Lab) -> Iterator[ShellJumpHost]:
    """An operator whose backend has seen every host."""
    with at_a_shell(lab) as person:
        up = eventually(
            lambda: all(host["link"]["status"] == "up" for host in person.read("hosts")), timeout_s=_PATIENCE_S
        )
        assert up
        yield person


def _states(lab: Lab, name: str) -> dict[str, str]:
    said = {host.name: lab.attempt(host.name, ["virsh", "domstate", name]) for host in lab.hosts}
    return {host: done.stdout.strip() for host, done in said.items() if done.returncode == 0}


def _migrates(lab: Lab, name: str) -> bool:
    return "Unbounded" in lab.attempt("lab1", ["virsh", "domjobinfo", name]).stdout


def _arrives(lab: Lab, name: str) -> bool:
    """Let it go as fast as it can, and tell whether it is there. Asked again: a job that begins sets its own limit."""
    lab.attempt("lab1", ["virsh", "migrate-setspeed", name, "1000"])
    return _states(lab, name) == {"lab2": "running"}


def test_a_migration_goes_on_when_every_terminal_hangs_up_and_a_new_console_shows_its_end(
    lab: Lab, operator: ShellJumpHost, make_vm: MakeVm
) -> None:
    make_vm("lab1", "commuter", dirty=8)
    ask_guest(lab, "lab1", "commuter", "echo kept >/work/note")
    console = operator.vanishing()
    console.wait_for("commuter", timeout_s=_PATIENCE_S)
    # More is dirtied than may be sent: it cannot end before it is let.
    follower = operator.vanishing("migrate", "commuter", "--to", "lab2", "--bandwidth", "1", "--yes")
    console.wait_for("migrating", timeout_s=_PATIENCE_S)
    assert eventually(lambda: _migrates(lab, "commuter"), timeout_s=_PATIENCE_S)
    backend = operator.backend_pid()
    for terminal in (console, follower):
        terminal.vanish()
        assert terminal.wait(_PATIENCE_S) == -signal.SIGHUP
    assert _migrates(lab, "commuter"), "it went with the terminals"
    assert _states(lab, "commuter")["lab1"] == "running"
    assert eventually(lambda: _arrives(lab, "commuter"), timeout_s=_PATIENCE_S)
    assert ask_guest(lab, "lab2", "commuter", "cat /work/note") == "kept"
    again = operator.terminal(columns=100, rows=30)
    again.wait_for("commuter", timeout_s=_PATIENCE_S)
    again.press("3")
    again.wait_for("OPERATION", timeout_s=_PATIENCE_S)
    again.wait_for(lambda text: "migrate commuter" in text and "done" in text, timeout_s=_PATIENCE_S)
    assert operator.backend_pid() == backend


@pytest.mark.parametrize(
    ("key", "sign"),
    [("d", "Touches"), ("F", "Touches"), ("m", "To host")],
    ids=["shut down", "force off", "migration form"],
)
def test_what_waits_for_a_yes_never_happens_when_the_line_drops(
    lab: Lab, operator: ShellJumpHost, make_vm: MakeVm, key: str, sign: str
) -> None:
    make_vm("lab1", "doubtful")
    if key == "d":
        wait_booted(lab, "lab1", "doubtful")  # only then it would obey
    console = operator.vanishing()
    console.wait_for(lambda text: "doubtful" in text and "running" in text, timeout_s=_PATIENCE_S)
    console.press(key)
    console.wait_for(sign, timeout_s=_PATIENCE_S)
    console.vanish()
    assert console.wait(_PATIENCE_S) == -signal.SIGHUP
    assert operator.read("ops") == []
    # A fresh console comes to the list: nothing waits behind it for a key that is meant for something else.
    again = operator.terminal(columns=100, rows=30)
    again.wait_for("q detach", timeout_s=_PATIENCE_S)
    again.press("y", "enter")
    again.watch(1.0)
    assert operator.read("ops") == []
    assert _states(lab, "doubtful") == {"lab1": "running"}
    if key == "d":
        assert ask_guest(lab, "lab1", "doubtful", "echo alive") == "alive"
