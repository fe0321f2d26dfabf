"""Which VM an operation is about, as a column of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and fill it from the documents."""
    op.add_column("operations", sa.Column("vm", sa.String(64), nullable=True))
    if op.get_bind().dialect.name == "sqlite":  # the only database that has journals of this layout
        op.execute("UPDATE operations SET vm = json_extract(document, '$.intent.vm') WHERE json_valid(document)")
    op.create_index("operations_by_vm", "operations", ["vm"])


def downgrade() -> None:
    """Remove it."""
    op.drop_index("operations_by_vm", "operations")
    op.drop_column("operations", "vm")
