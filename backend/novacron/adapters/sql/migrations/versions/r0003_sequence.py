"""The order in which operations were accepted, as a column of its own and in the documents."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Number the operations in the order in which their rows were made, which no clock has a part in."""
    op.add_column("operations", sa.Column("sequence", sa.Integer, nullable=False, server_default="0"))
    if op.get_bind().dialect.name == "sqlite":  # the only database that has journals of this layout
        op.execute("UPDATE operations SET sequence = rowid")
        op.execute(
            "UPDATE operations SET document = json_set(document, '$.sequence', sequence) WHERE json_valid(document)"
        )
    op.create_index("operations_by_sequence", "operations", ["sequence"])


def downgrade() -> None:
    """Remove it."""
    op.drop_index("operations_by_sequence", "operations")
    op.drop_column("operations", "sequence")
