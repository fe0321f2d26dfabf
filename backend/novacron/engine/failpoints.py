"""Named places at the journal's boundaries of every operation, where a test stops or disturbs the backend.

A place is called KIND/STEP:BOUNDARY, or KIND:BOUNDARY where it is about no single step, such as
`migrate/settle:after-started`. It is asked for by name or by a pattern (`create/*:after-finished`), with what is to
happen there: `=kill` (as SIGKILL does, the default), `=error` (once) or `=pause` (for ever).
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final

from novacron.model.errors import ConfigError, JournalError

VARIABLE: Final = "NOVACRON_FAILPOINT"
"""The variable of the environment that names one, in a real backend."""

Reached = Callable[[str], Awaitable[None]]
"""Is called with the name of each place that is reached."""


class Boundary(StrEnum):
    """Where in the life of an operation."""

    BEFORE_STARTED = "before-started"
    """The step is about to be written as started."""
    AFTER_STARTED = "after-started"
    """That is durable, and the step has not acted."""
    BEFORE_FINISHED = "before-finished"
    """It has acted, and that is not written."""
    AFTER_FINISHED = "after-finished"
    BEFORE_END = "before-end"
    """Nothing is left to do, and the end is not written."""
    AFTER_END = "after-end"
    BEFORE_UNDO = "before-undo"
    """It is cancelled, that is durable, and nothing is taken back yet."""


class _Action(StrEnum):
    KILL = "kill"
    ERROR = "error"
    PAUSE = "pause"


def failpoint_of(text: str) -> Reached | None:
    """Return what happens at the place that the text names; None where it is empty.

    Raises:
        ConfigError: it is not NAME or NAME=ACTION.
    """
    if not text:
        return None
    pattern, _, action = text.partition("=")
    if action not in ("", *_Action):
        remedy = f"write {VARIABLE}=NAME, or NAME=ACTION with one of: {', '.join(_Action)}"
        raise ConfigError(VARIABLE, f"{action!r} is not what a failpoint can do", remedy)
    return _Failpoint(pattern, _Action(action or _Action.KILL)).reached


class _Failpoint:
    def __init__(self, pattern: str, action: _Action) -> None:
        self._pattern = pattern
        self._action = action
        self._has_failed = False

    async def reached(self, name: str) -> None:
        """Do it, if this is the place."""
        if not fnmatchcase(name, self._pattern):
            return
        match self._action:
            case _Action.KILL:
                os.kill(os.getpid(), signal.SIGKILL)
            case _Action.PAUSE:
                await asyncio.Event().wait()
            case _Action.ERROR:
                if not self._has_failed:
                    self._has_failed = True
                    raise JournalError("journal", f"failpoint {name}", "it was asked for by a test")
