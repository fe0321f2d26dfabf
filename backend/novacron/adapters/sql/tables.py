"""The journal's tables. A change here needs a revision in migrations/versions, and LAYOUT set to it."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    false,
)

LAYOUT = "0005"
"""The newest revision: a journal that has it is opened without loading Alembic at all."""

metadata = MetaData()

events = Table(
    "events",
    metadata,
    Column("operation", String(64), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("version", Integer, nullable=False),
    Column("document", Text, nullable=False),
    PrimaryKeyConstraint("operation", "sequence"),
)
"""What happened, in the order of `sequence` within an operation; only added to, and only by the holder of the lease.

`document` is JSON of this version of this kind: see documents.py.
"""

operations = Table(
    "operations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("accepted_at", String(40), nullable=False),
    Column("state", String(32), nullable=False),
    Column("subject", Text, nullable=False),
    Column("idempotency_key", String(200), nullable=True, unique=True),
    Column("vm", String(64), nullable=True),
    Column("sequence", BigInteger, nullable=False, server_default="0"),
    Column("needs_person", Boolean, nullable=False, server_default=false()),
    Column("ended_at", Float, nullable=True),
    Index("operations_by_state", "state"),
    Index("operations_by_vm", "vm"),
    Index("operations_by_sequence", "sequence"),
    Index("operations_by_end", "ended_at"),
)
"""One row an operation, for what operations are found by. It follows from the events, and is written with them.

`ended_at` is in seconds since 1970. What ended before it was written down has the time of its acceptance.
"""

archived_operations = Table(
    "archived_operations",
    metadata,
    *(Column(column.name, column.type, primary_key=column.primary_key) for column in operations.columns),
    Index("archived_operations_by_key", "idempotency_key"),
    Index("archived_operations_by_sequence", "sequence"),
)
"""The rows of operations that were moved to the archive: found by id and by key only."""

archived_events = Table(
    "archived_events",
    metadata,
    *(Column(column.name, column.type, nullable=False) for column in events.columns),
    PrimaryKeyConstraint("operation", "sequence"),
)
"""Their events."""

lease = Table(
    "lease",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("expires_at", Float, nullable=False),
)
"""Its one row: who may add events. Those of an older epoch are refused by a trigger of `events`.

`expires_at` is in seconds since 1970 by the database's own clock.
"""
