"""How the program ends where there is no command to end it: a full output, folders that cannot be."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from novacron.model.errors import ExitCode

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


@pytest.mark.parametrize("words", [("status",), ("vms",), ("detach", "--stop")])
def test_a_folder_that_no_socket_fits_in_is_told_by_every_command(words: tuple[str, ...], tmp_path: Path) -> None:
    ended = _run("--simulated", *words, NOVACRON_RUNTIME_DIR=str(tmp_path / ("x" * 120)))
    assert ended.returncode == ExitCode.CONFIG
    assert "this path is too long for a socket" in ended.stderr
    assert "Traceback" not in ended.stderr
