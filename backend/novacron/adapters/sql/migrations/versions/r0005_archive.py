"""The archive: tables that no start reads, and when operations ended."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ACCEPTED_SQLITE = "CAST(strftime('%s', accepted_at) AS REAL)"
_ACCEPTED_POSTGRESQL = "extract(epoch FROM accepted_at::timestamptz)"
_ENDED = "('done', 'failed', 'cancelled', 'needs attention')"


def upgrade() -> None:
    """Make the tables. What has ended by now is taken to have done so when it was accepted: a row knows no better."""
    op.create_table(
        "archived_operations",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("accepted_at", sa.String(40)),
        sa.Column("state", sa.String(32)),
        sa.Column("subject", sa.Text),
        sa.Column("idempotency_key", sa.String(200)),
        sa.Column("vm", sa.String(64)),
        sa.Column("sequence", sa.BigInteger),
        sa.Column("needs_person", sa.Boolean),
        sa.Column("ended_at", sa.Float),
    )
    op.create_index("archived_operations_by_key", "archived_operations", ["idempotency_key"])
    op.create_index("archived_operations_by_sequence", "archived_operations", ["sequence"])
    op.create_table(
        "archived_events",
        sa.Column("operation", sa.String(64), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("operation", "sequence"),
    )
    op.add_column("operations", sa.Column("ended_at", sa.Float, nullable=True))
    accepted = _ACCEPTED_SQLITE if op.get_bind().dialect.name == "sqlite" else _ACCEPTED_POSTGRESQL
    op.execute(f"UPDATE operations SET ended_at = {accepted} WHERE state IN {_ENDED}")  # noqa: S608 - ours
    op.create_index("operations_by_end", "operations", ["ended_at"])


def downgrade() -> None:
    """Refuse: an older version would not find what is in the archive."""
    raise NotImplementedError("a journal with an archive cannot be turned back into one without")
