"""Running a program of this machine: it and its children end with whoever waits for it."""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress


async def run_program(argv: Sequence[str], *, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
    """Run a program; return its exit status, output and error output. Raises OSError.

    Ended with its children when the caller is cancelled.
    """
    pipe = asyncio.subprocess.PIPE
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
    )
    try:
        # Not cancelled half-way: it may run already, and who would know its children then?
        process = await asyncio.shield(starting)
        out, err = await process.communicate(stdin)
    except BaseException:
        if starting.done():
            _end(starting)
        else:
            starting.add_done_callback(_end)
        raise
    return process.returncode or 0, out, err


def _end(started: "asyncio.Future[asyncio.subprocess.Process]") -> None:
    """End a program that was started, with its children."""
    if started.cancelled() or started.exception() is not None:
        return
    process = started.result()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    # Not waited for: one that hangs on a dead file server does not end by that. Its pipes go now.
    process._transport.close()  # type: ignore[attr-defined]
