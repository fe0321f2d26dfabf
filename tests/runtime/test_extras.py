"""What `pip install novacron` alone can do: everything but be the backend, show the console, and build a lab."""

import json
import os
import pty
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from novacron.model.errors import ExitCode
from novacron.runtime.extras import EXTRAS
from tests.support.backend_folder import OPTIONS, PATIENCE_S, BackendFolder

_ROOT = Path(__file__).parents[2]
_PROJECT = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
_WITHOUT_EXTRAS = """
import importlib.machinery, sys
from novacron.runtime.extras import EXTRAS

class Installed(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        left_out = {module for modules in EXTRAS.values() for module in modules}
        return None if name.partition(".")[0] in left_out else super().find_spec(name, path, target)

sys.meta_path = [Installed if finder is importlib.machinery.PathFinder else finder for finder in sys.meta_path]
from novacron.cli.main import main
main()
"""


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=,;]", requirement)[0] for requirement in requirements}


@pytest.mark.parametrize("extra", EXTRAS)
def test_the_libraries_that_are_asked_for_are_those_of_the_extra(extra: str) -> None:
    assert _names(_PROJECT["optional-dependencies"][extra]) == set(EXTRAS[extra])


def test_one_extra_brings_everything() -> None:
    assert _PROJECT["optional-dependencies"]["all"] == [f"novacron[{','.join(EXTRAS)}]"]


def _run(backend_folder: BackendFolder, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", _WITHOUT_EXTRAS, *OPTIONS.arguments(), *words],
        env={**os.environ, **backend_folder.environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_without_extras_a_backend_that_runs_is_asked_and_told(backend_folder: BackendFolder) -> None:
    assert backend_folder.run("hosts", "--json").returncode == ExitCode.OK
    listed = _run(backend_folder, "vms", "--json")
    assert listed.returncode == ExitCode.OK, listed.stderr
    running = next(vm for vm in json.loads(listed.stdout) if vm["vm"]["state"] == "running")
    paused = _run(backend_folder, "pause", running["id"], "--yes")
    assert paused.returncode == ExitCode.OK, paused.stderr


@pytest.mark.parametrize("words", ["vms", "daemon", "lab status"])
def test_a_command_without_its_libraries_says_which_line_installs_them(
    backend_folder: BackendFolder, words: str
) -> None:
    said = _run(backend_folder, *words.split())
    assert said.returncode == ExitCode.CONFIG
    assert "pip install 'novacron[server]'" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_console_without_its_libraries_says_which_line_installs_them(backend_folder: BackendFolder) -> None:
    terminal, program_side = pty.openpty()
    with os.fdopen(terminal, "rb", buffering=0) as screen:
        program = subprocess.Popen(
            [sys.executable, "-c", _WITHOUT_EXTRAS, *OPTIONS.arguments()],
            env={**os.environ, **backend_folder.environment, "COLUMNS": "200"},
            stdin=program_side,
            stderr=program_side,
            stdout=subprocess.DEVNULL,
        )
        os.close(program_side)
        assert program.wait(PATIENCE_S) == ExitCode.CONFIG
        assert b"pip install 'novacron[console]'" in screen.read(65536)
