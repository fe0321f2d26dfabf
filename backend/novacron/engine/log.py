"""What the engine writes into the backend's log: one line an event, with what it is about as fields.

Fields are names, states and causes. Definitions, plans and what passes a serial console never are: they may hold
secrets.
"""

import logging
from typing import Final

_log: Final = logging.getLogger("novacron.engine")


def log(event: str, *, level: int = logging.INFO, error: BaseException | None = None, **fields: object) -> None:
    """Write an event; `error` adds its traceback. Fields that are None or empty are left out."""
    told = {name: str(value) for name, value in fields.items() if value not in (None, "")}
    _log.log(level, event, exc_info=error, extra=told)
