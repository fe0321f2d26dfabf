"""Database errors in our words."""

import sqlite3
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from novacron.model.errors import JournalError

DATABASE_ERRORS = (SQLAlchemyError, sqlite3.Error, OSError)
"""What the database may raise. sqlite3's own come out bare where SQLAlchemy is still setting a connection up."""

_DAMAGED = "move it away and restore its last copy; a new one is begun without it"
_KNOWN = (
    ("disk is full", "its disk is full", "free some room there; operations are then taken again by themselves"),
    ("readonly", "it cannot be written", "check owner, mode and mount of the folder"),
    ("unable to open", "it cannot be opened", "check owner, mode, mount and room of the folder"),
    ("malformed", "it is damaged", _DAMAGED),
    ("not a database", "it is no database", _DAMAGED),
    ("locked", "another process holds it", "does a second backend run? novacron status tells"),
    ("disk I/O error", "its disk fails", "look into the system's log; free some room there"),
)


def translate(path: Path, error: Exception) -> JournalError:
    """Return what went wrong with the journal at `path`, why, and what to do."""
    text = str(error.orig) if isinstance(error, DBAPIError) and error.orig else str(error)
    for sign, cause, remedy in _KNOWN:
        if sign in text:
            return JournalError(str(path), f"{cause} ({text})", remedy)
    return JournalError(str(path), text or type(error).__name__, "see the backend's log")


def damaged(path: Path, verdict: str) -> JournalError:
    """Return the error for a journal whose own check failed."""
    return JournalError(str(path), f"it is damaged: {verdict}", _DAMAGED)
