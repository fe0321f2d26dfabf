"""What the engine writes into the backend's log: one line an event, with what it is about as fields.

Fields are names, states and causes. Definitions, plans and what passes a serial console never are: they may hold
secrets.
"""

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_log: Final = logging.getLogger("novacron.engine")


def is_logged(level: int = logging.INFO) -> bool:
    """Whether events of this level are written at all."""
    return _log.isEnabledFor(level)


def log(
    event: str,
    named: Mapping[str, object] = MappingProxyType({}),
    *,
    level: int = logging.INFO,
    error: BaseException | None = None,
    **fields: object,
) -> None:
    """Write an event; `error` adds its traceback. Fields are `named` and the rest; None and empty ones are left out."""
    if not is_logged(level):
        return
    told = {name: str(value) for name, value in {**named, **fields}.items() if value not in (None, "")}
    _log.log(level, event, exc_info=error, extra=told)
