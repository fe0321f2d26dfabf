"""The journal's one table. A change here needs a revision in migrations/versions."""

from sqlalchemy import Column, Index, MetaData, String, Table, Text

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
    Index("operations_by_state", "state"),
    Index("operations_by_time", "accepted_at"),
)
"""One row an operation; `document` is the whole of it as JSON, the other columns are what is asked for."""
