"""Which libraries come with which extra of the wheel, and what to say when a command lacks them.

`pip install novacron` is the command line on a backend that runs already; the console and the backend itself need more.
Nothing is imported to find out: a library that is installed and broken says so itself when it is used.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Final

from novacron.model.errors import ConfigError

EXTRAS: Final[Mapping[str, tuple[str, ...]]] = {
    "console": ("plotext", "pyte", "textual"),
    "server": ("aiosqlite", "alembic", "asyncssh", "fastapi", "lxml", "psutil", "sqlalchemy", "structlog", "uvicorn"),
}
"""Top-level modules of each extra in pyproject.toml."""


def require_extra(extra: str, what: str) -> None:
    """Check that the libraries of an extra are installed; `what` names what needs them.

    Raises:
        ConfigError: some are missing; the remedy is the line that installs them.
    """
    missing = [module for module in EXTRAS[extra] if find_spec(module) is None]
    if missing:
        raise ConfigError(
            what,
            f"these libraries are not installed: {', '.join(missing)}",
            f"pip install 'novacron[{extra}]', or 'novacron[all]' for everything; in a checkout: scripts/setup",
        )
