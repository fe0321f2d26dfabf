"""The table of operations."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "operations",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("accepted_at", sa.String(40), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("idempotency_key", sa.String(200), nullable=True, unique=True),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("operations_by_state", "operations", ["state"])
    op.create_index("operations_by_time", "operations", ["accepted_at"])


def downgrade() -> None:
    """Remove it."""
    op.drop_table("operations")
