"""Idempotency keys as the journal's rows have them: each user's are their own.

Rows of versions before keys were per user have the bare key; whose it is, their operation says.
"""

from collections.abc import Iterable
from hashlib import sha256
from itertools import groupby

from novacron.adapters.sql.documents import EventRow, encodable, folded
from novacron.model.operation import Operation


def key_column(key: str, actor: str) -> str | None:
    """Return what the row of a user's operation with this key has in its column; None when it has no key.

    A digest: the column of existing journals has room for 200 characters, which a key alone may take.
    """
    if not key:
        return None
    # No user's name has a line break: name and key cannot run into each other.
    content = f"{actor}\n{key}".encode(errors="surrogatepass")
    return f"sha256:{sha256(content).hexdigest()}"


def submitted_by(journal: str, rows: Iterable[EventRow], key: str, actor: str) -> Operation | None:
    """Return the operation that this user submitted with this key; None when all of these are others'.

    `rows` are the events of whatever has the key's column, one operation after another.

    Raises:
        JournalError: one of them is not understood, and may be the one.
    """
    for _, events in groupby(rows, key=lambda row: row.operation):
        found = folded(journal, events)
        if found.actor == actor and encodable(found.idempotency_key) == encodable(key):
            return found
    return None
