"""A console without its terminal ends by itself, also where SIGHUP does not reach it; the backend goes on."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vanishing_terminal import VanishingTerminal

_PATIENCE_S = 120.0
_COMMAND = (sys.executable, "-m", "novacron.cli.main", "--simulated", "--simulated-size", "2x3")


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """Folders of its own; a backend that was started there is ended."""
    with tempfile.TemporaryDirectory(prefix="nc-", dir="/tmp") as folder:
        own = {f"NOVACRON_{name}_DIR": str(Path(folder, name[0])) for name in ("RUNTIME", "STATE", "CONFIG")}
        env = {**os.environ, **own, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        yield env
        subprocess.run([*_COMMAND, "detach", "--stop"], env=env, capture_output=True, check=False)


@pytest.mark.parametrize("deaf", [False, True], ids=["SIGHUP as usual", "SIGHUP ignored"])
@pytest.mark.parametrize("screen", ["the list", "a question"])
def test_a_console_ends_when_its_terminal_goes(environment: dict[str, str], deaf: bool, screen: str) -> None:
    console = VanishingTerminal(_COMMAND, env=environment, deaf=deaf)
    try:
        console.wait_for("q detach", timeout_s=_PATIENCE_S)
        console.wait_for("running", timeout_s=_PATIENCE_S)
        if screen == "a question":
            console.press("/", "state:running", "enter", "F")
            console.wait_for("Touches", timeout_s=_PATIENCE_S)
        console.vanish()
        assert console.wait(_PATIENCE_S) == -signal.SIGHUP
    finally:
        console.close()
    done = subprocess.run([*_COMMAND, "ops", "--json"], env=environment, capture_output=True, check=True)
    assert json.loads(done.stdout) == []
    done = subprocess.run([*_COMMAND, "status", "--json"], env=environment, capture_output=True, check=True)
    assert json.loads(done.stdout)["operations_running"] == 0
