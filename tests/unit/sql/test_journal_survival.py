"""The journal when its process is killed, and when its disk gives out."""

import asyncio
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from novacron.adapters.sql.journal import SqlJournal

_WRITER = [sys.executable, "-m", "tests.unit.sql.journal_writer"]
_ROOT = Path(__file__).parents[2]
_KILLS = 5


def _killed_after(path: Path, first: int, lines: int) -> list[int]:
    """Let a writer acknowledge some operations, kill it in mid-work, and return what it acknowledged."""
    writer = subprocess.Popen([*_WRITER, str(path), str(first)], stdout=subprocess.PIPE, text=True, cwd=_ROOT)
    assert writer.stdout is not None
    try:
        seen = [writer.stdout.readline() for _ in range(lines)]
    finally:
        writer.send_signal(signal.SIGKILL)
        seen += writer.stdout.readlines()
        writer.wait()
    return [int(line) for line in seen if line.endswith("\n")]


def test_a_writer_killed_again_and_again_loses_nothing_it_acknowledged(tmp_path):
    path = tmp_path / "journal.sqlite"
    acknowledged: list[int] = []
    for round_ in range(_KILLS):
        acknowledged += _killed_after(path, 1000 * (round_ + 1), lines=5 + 3 * round_)
        assert asyncio.run(_missing(path, acknowledged)) == []
    assert len(acknowledged) >= 5 * _KILLS


async def _missing(path: Path, numbers: list[int]) -> list[int]:
    journal = SqlJournal(path)
    await journal.open()
    try:
        kept = {one.idempotency_key for one in await journal.recent(100_000)}
    finally:
        await journal.close()
    return [number for number in numbers if f"key-{number}" not in kept]


def _namespace() -> list[str] | None:
    """Return the command that gives a process mounts of its own; None where the machine has none to give."""
    unshare = shutil.which("unshare")
    for options in (["--mount"], ["--user", "--map-root-user", "--mount"]):
        if unshare and subprocess.run([unshare, *options, "true"], capture_output=True, check=False).returncode == 0:
            return [unshare, *options]
    return None


def _told(command: list[str]) -> dict[str, object]:
    done = subprocess.run(command, capture_output=True, text=True, cwd=_ROOT, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, object] = json.loads(done.stdout)
    return result


def test_a_full_disk_is_told_loses_nothing_and_heals_once_there_is_room(record_property):
    namespace = _namespace()
    with tempfile.TemporaryDirectory() as folder:
        fill = [*_WRITER, str(Path(folder) / "journal.sqlite"), "fill"]
        if namespace is not None:
            record_property("disk", "a tmpfs of 1 MiB")
            told = _told([*namespace, *fill])
            assert "its disk is full" in str(told["detail"])
        else:
            record_property("disk", "a limit on file sizes: this machine allows no mounts")
            told = _told([*fill, "--bounded"])
            assert "disk" in str(told["detail"])
    assert told["remedy"]
    assert isinstance(told["acknowledged"], int)
    # How many fit is a matter of the limit; that some were acknowledged is what makes losing none worth saying.
    assert told["acknowledged"] > 0
    assert told["lost_while_full"] == []
    assert told["lost_after"] == []


def test_a_file_that_may_not_grow_is_told_loses_nothing_and_heals():
    with tempfile.TemporaryDirectory() as folder:
        told = _told([*_WRITER, str(Path(folder) / "journal.sqlite"), "fill", "--bounded"])
    assert "disk" in str(told["detail"])
    assert told["remedy"]
    assert (told["lost_while_full"], told["lost_after"]) == ([], [])


@pytest.mark.skipif(_namespace() is None, reason="this machine allows no mounts")
def test_a_read_only_folder_is_told_with_what_to_look_at():
    namespace = _namespace() or []
    with tempfile.TemporaryDirectory() as folder:
        told = _told([*namespace, *_WRITER, str(Path(folder) / "journal.sqlite"), "read-only"])
    assert "cannot be opened" in str(told["detail"])
    assert "mount" in str(told["remedy"])
