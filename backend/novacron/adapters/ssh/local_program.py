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
    process = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
    try:
        out, err = await process.communicate(stdin)
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        # Not waited for: one that hangs on a dead file server does not end by that. Its pipes go now.
        process._transport.close()  # type: ignore[attr-defined]
        raise
    return process.returncode or 0, out, err
