"""A process that writes to a journal and says what it was told is written; tests kill it. Run with -m.

journal_writer PATH FIRST         record operations FIRST, FIRST + 1, … and print each number once acknowledged
journal_writer PATH fill          record until it refuses, free some room, record again; print what happened
journal_writer PATH read-only     make PATH's folder a read-only mount, open it, print what is refused
"""

import asyncio
import json
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from novacron.adapters.sql.journal import SqlJournal
from novacron.model.errors import JournalError
from tests.journal_events import record
from tests.operation_builders import an_operation

_TMPFS_KIB = 1024


async def write_on(path: Path, first: int) -> None:
    """Record for ever."""
    journal = SqlJournal(path)
    await journal.open()
    number = first
    while True:
        await record(journal, an_operation(number))
        print(number, flush=True)
        number += 1


async def fill(path: Path) -> None:
    """Record on a disk that has no room, and again once it has."""
    release = _little_room(path)
    journal = SqlJournal(path)
    await journal.open()
    acknowledged: list[str] = []
    refusal: JournalError | None = None
    while refusal is None:
        operation = replace(an_operation(len(acknowledged)), outcome="x" * 4000)
        try:
            await record(journal, operation)
            acknowledged.append(operation.id)
        except JournalError as error:
            refusal = error
    kept_while_full = {one.id for one in await journal.recent(10_000)}
    release()
    await record(journal, an_operation(9_999))
    kept_after = {one.id for one in await journal.recent(10_000)}
    await journal.close()
    _say(
        detail=refusal.detail,
        remedy=refusal.remedy,
        acknowledged=len(acknowledged),
        lost_while_full=sorted(set(acknowledged) - kept_while_full),
        lost_after=sorted({*acknowledged, an_operation(9_999).id} - kept_after),
    )


async def refuse(path: Path) -> None:
    """Open a journal under a read-only mount."""
    before = SqlJournal(path)
    await before.open()
    await record(before, an_operation(1))
    await before.close()
    _mount("--bind", str(path.parent), str(path.parent))
    _mount("-o", "remount,bind,ro", str(path.parent))
    journal = SqlJournal(path)
    try:
        await journal.open()
        await record(journal, an_operation(2))
    except JournalError as error:
        _say(detail=error.detail, remedy=error.remedy)
    else:
        _say(detail="it was written", remedy="")


def _little_room(path: Path) -> Callable[[], object]:
    """Give the folder a disk of its own where mounts are allowed, else bound every file; return what ends it."""
    if "--bounded" not in sys.argv:
        _mount("-t", "tmpfs", "-o", f"size={_TMPFS_KIB}k", "tmpfs", str(path.parent))
        ballast = path.parent / "ballast"
        ballast.write_bytes(b"x" * 256 * 1024)
        return ballast.unlink
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (256 * 1024, resource.RLIM_INFINITY))
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def _say(**result: object) -> None:
    print(json.dumps(result))


def main() -> None:
    """Do what the arguments say."""
    path, what = Path(sys.argv[1]), sys.argv[2]
    asyncio.run({"fill": fill, "read-only": refuse}[what](path) if not what.isdigit() else write_on(path, int(what)))


if __name__ == "__main__":
    main()
