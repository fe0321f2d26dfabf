"""Database errors in our words."""

from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from novacron.model.errors import JournalError

_KNOWN = (
    ("disk is full", "its disk is full", "free some room there; new operations are taken again by themselves"),
    ("readonly", "it cannot be written", "check owner, mode and mount of the folder"),
    ("unable to open", "it cannot be opened", "check owner and mode of the folder"),
    ("malformed", "it is damaged", "move it away and restore its last copy; the fleet is shown without it"),
    ("not a database", "it is no database", "move it away and restore its last copy; the fleet is shown without it"),
    ("locked", "another process holds it", "is a second backend running? novacron status tells"),
)


def translate(path: Path, error: SQLAlchemyError) -> JournalError:
    """Return what went wrong with the journal at `path`, why, and what to do."""
    text = str(error.orig) if isinstance(error, DBAPIError) and error.orig else str(error)
    for sign, cause, remedy in _KNOWN:
        if sign in text:
            return JournalError(str(path), f"{cause} ({text})", remedy)
    return JournalError(str(path), text, "see the backend's log")
