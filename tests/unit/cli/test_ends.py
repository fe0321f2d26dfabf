"""How the program ends where there is no command to end it: a full output, folders that cannot be."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from novacron.model.errors import ExitCode
from tests.terminal import Terminal
from tests.unit.cli.conftest import FLEET, Backend

_PROGRAM = (sys.executable, "-m", "novacron.cli.main")


def _run(*words: str, stdout: int = subprocess.PIPE, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*_PROGRAM, *words],
        env={**os.environ, **variables},
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("words", [("--version",), ("--help",), ("completion", "bash")])
def test_an_output_that_takes_no_more_is_told_in_one_line(words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = _run(*words, stdout=full.fileno())
    assert ended.returncode == ExitCode.FAILED
    assert "output: cannot be written: No space left on device" in ended.stderr
    assert "Traceback" not in ended.stderr


_LISTS = ("vms", "hosts", "pools", "volumes", "ops", "alerts", "status")


@pytest.mark.parametrize(
    "words",
    [
        ("--version",),
        ("--help",),
        ("vms", "--help"),
        ("completion", "bash"),
        *((verb,) for verb in _LISTS),
        *((verb, "--json") for verb in _LISTS),
    ],
    ids=" ".join,
)
def test_a_reader_that_has_seen_enough_changes_nothing(backend: Backend, words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = _run(*FLEET, *words, stdout=writing)
    finally:
        os.close(writing)
    assert ended.returncode == ExitCode.OK
    assert ended.stderr == ""


def test_the_first_line_of_a_list_is_all_that_head_takes(backend: Backend) -> None:
    command = " ".join([*_PROGRAM, *FLEET, "vms"])
    shown = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} | head -1"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (shown.returncode, shown.stderr) == (0, "")
    assert shown.stdout.startswith("NAME")


@pytest.mark.parametrize(("term", "coloured"), [("vt100", False), ("vt220", False), ("xterm-256color", True)])
def test_a_terminal_without_colours_gets_none(term: str, coloured: bool) -> None:
    variables = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLORTERM")}
    terminal = Terminal([*_PROGRAM, "--help"], env={**variables, "TERM": term}, columns=100)
    try:
        terminal.wait()
        sent = terminal.sent
    finally:
        terminal.close()
    assert b"Usage" in sent
    assert bool(re.search(rb"\x1b\[[0-9;]*3[0-7]", sent)) is coloured


@pytest.mark.parametrize("words", [("status",), ("vms",), ("detach", "--stop")])
def test_a_folder_that_no_socket_fits_in_is_told_by_every_command(words: tuple[str, ...], tmp_path: Path) -> None:
    ended = _run("--simulated", *words, NOVACRON_RUNTIME_DIR=str(tmp_path / ("x" * 120)))
    assert ended.returncode == ExitCode.CONFIG
    assert "this path is too long for a socket" in ended.stderr
    assert "Traceback" not in ended.stderr
