"""What becomes of a console whose terminal is gone: it ends, as by SIGHUP, whether or not that signal arrives.

It does not arrive where a shell or nohup has it ignored, or where the session's leader lives on. Textual would then
read nothing, as fast as it can, for ever.
"""

import asyncio
import os
import select
import signal
import sys


def end_with_terminal() -> None:
    """Watch the terminal from the running event loop for as long as this process lives."""
    terminal = sys.__stdin__
    if terminal is None:
        return
    # Asked about nothing, it tells of hang-ups alone: keys are read elsewhere, and must not wake anybody here.
    hang_ups = select.epoll()
    hang_ups.register(terminal.fileno(), 0)
    asyncio.get_running_loop().add_reader(hang_ups, _end, hang_ups)


def _end(_: select.epoll) -> None:
    # Not by the app's own way out: it writes to the terminal, and waits until that is done.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGHUP)
