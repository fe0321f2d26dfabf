"""The journal's one table. A change here needs a revision in migrations/versions, and LAYOUT set to it."""

from sqlalchemy import Column, Index, Integer, MetaData, String, Table, Text

LAYOUT = "0003"
"""The newest revision: a journal that has it is opened without loading Alembic at all."""

metadata = MetaData()

operations = Table(
    "operations",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("accepted_at", String(40), nullable=False),
    Column("state", String(32), nullable=False),
    Column("subject", Text, nullable=False),
    Column("idempotency_key", String(200), nullable=True, unique=True),
    Column("document", Text, nullable=False),
    Column("vm", String(64), nullable=True),
    Column("sequence", Integer, nullable=False, server_default="0"),
    Index("operations_by_state", "state"),
    Index("operations_by_time", "accepted_at"),
    Index("operations_by_vm", "vm"),
    Index("operations_by_sequence", "sequence"),
)
"""One row an operation; `document` is the whole of it as JSON, the other columns are what is asked for."""
