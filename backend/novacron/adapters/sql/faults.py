"""Database errors in our words."""

import sqlite3
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from novacron.model.errors import JournalError

DATABASE_ERRORS = (SQLAlchemyError, sqlite3.Error, OSError)
"""What the database may raise. sqlite3's own come out bare where SQLAlchemy is still setting a connection up."""

OLDER_EPOCH = "older epoch"
"""What the database's own trigger says when it refuses an event."""
_DAMAGED = "move it away and restore its last copy; a new one is begun without it"
_GRANT = "let the user of the URL connect, and create tables in its schema"
_KNOWN = (
    ("disk is full", "its disk is full", "free some room there; operations are then taken again by themselves"),
    ("readonly", "it cannot be written", "check owner, mode and mount of the folder"),
    ("unable to open", "it cannot be opened", "check owner, mode, mount and room of the folder"),
    ("malformed", "it is damaged", _DAMAGED),
    ("not a database", "it is no database", _DAMAGED),
    ("locked", "another process holds it", "does a second backend run? novacron status tells"),
    ("disk I/O error", "its disk fails", "look into the system's log; free some room there"),
    (OLDER_EPOCH, "another backend runs its operations by now", "novacron status says which"),
)
_KNOWN_POSTGRESQL = (
    ("No space left on device", "its server's disk is full", "free some room there; operations are then taken again"),
    ("password authentication failed", "its server refuses the password", "mend the URL in fleet.toml, or ~/.pgpass"),
    ("no password supplied", "its server wants a password", "write it into the URL in fleet.toml, or into ~/.pgpass"),
    ("no pg_hba.conf entry", "its server lets nobody in from here", "add a line to the server's pg_hba.conf"),
    ("authentication failed", "its server does not believe who we are", "mend the URL in fleet.toml, or pg_hba.conf"),
    ("does not exist", "its server knows no such database, user or table", "create it, or mend the URL in fleet.toml"),
    ("permission denied", "its user may not", _GRANT),
    ("read-only transaction", "its server takes no writes", "it is a standby or set read-only: name the primary"),
    ("too many", "its server has no connection left", "raise max_connections there, or end other clients"),
    ("remaining connection slots", "its server has no connection left", "raise max_connections there"),
    ("starting up", "its server is starting", "wait: it is tried again every few seconds"),
    ("shutting down", "its server is shutting down", "start it again; it is tried again every few seconds"),
    ("terminating connection", "its server ended the connection", "it is tried again every few seconds"),
    ("Connection refused", "its server does not answer", "is it running, and is the URL in fleet.toml right?"),
    ("Connect call failed", "its server does not answer", "is it running, and is the URL in fleet.toml right?"),
    ("No such file", "its server's socket is not there", "is it running, and is the URL in fleet.toml right?"),
    ("Name or service not known", "its server's name is unknown", "mend the URL in fleet.toml"),
    ("No address associated", "its server's name is unknown", "mend the URL in fleet.toml"),
    ("name resolution", "its server's name cannot be looked up", "look at this machine's DNS, or name an address"),
    ("No route to host", "its server cannot be reached", "look at the network and at the server's firewall"),
    ("Network is unreachable", "its server cannot be reached", "look at the network and at the URL in fleet.toml"),
    ("connection was closed", "the connection to its server broke", "it is tried again every few seconds"),
    ("connection is closed", "the connection to its server broke", "it is tried again every few seconds"),
)


def translate(journal: Path | str, error: Exception) -> JournalError:
    """Return what went wrong with the journal, why, and what to do. `journal` is its name for people."""
    text = str(error.orig) if isinstance(error, DBAPIError) and error.orig else str(error)
    text = text.removeprefix("<class 'asyncpg.exceptions.").strip()
    known = (*_KNOWN, *_KNOWN_POSTGRESQL) if "://" in str(journal) else _KNOWN
    for sign, cause, remedy in known:
        if sign in text:
            return JournalError(str(journal), f"{cause} ({text})", remedy)
    if isinstance(error, TimeoutError):
        return JournalError(str(journal), "its server does not answer in time", "look at the server and the way to it")
    return JournalError(str(journal), text or type(error).__name__, "see the backend's log")


def of_older_epoch(journal: str) -> JournalError:
    """Return the error for a write under a lease that has gone to another backend."""
    return translate(journal, ValueError(OLDER_EPOCH))


def damaged(path: Path, verdict: str) -> JournalError:
    """Return the error for a journal whose own check failed."""
    return JournalError(str(path), f"it is damaged: {verdict}", _DAMAGED)
