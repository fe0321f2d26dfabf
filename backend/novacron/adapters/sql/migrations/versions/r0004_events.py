"""Events in place of whole documents, and the lease."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_SQLITE_TRIGGER = """
CREATE TRIGGER events_of_an_older_epoch BEFORE INSERT ON events
WHEN NEW.epoch <> (SELECT epoch FROM lease WHERE id = 1)
BEGIN SELECT RAISE(ABORT, 'older epoch'); END
"""
# FOR SHARE: who takes the lease waits for the commits that were under way under the old epoch.
_POSTGRESQL_FUNCTION = """
CREATE FUNCTION refuse_events_of_an_older_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE valid bigint;
BEGIN
    SELECT epoch INTO valid FROM lease WHERE id = 1 FOR SHARE;
    IF EXISTS (SELECT 1 FROM fresh WHERE epoch <> valid) THEN
        RAISE EXCEPTION 'older epoch';
    END IF;
    RETURN NULL;
END $$
"""
_POSTGRESQL_TRIGGER = """
CREATE TRIGGER events_of_an_older_epoch AFTER INSERT ON events REFERENCING NEW TABLE AS fresh
FOR EACH STATEMENT EXECUTE FUNCTION refuse_events_of_an_older_epoch()
"""


def upgrade() -> None:
    """Make the tables; what an operation was until now becomes its first event."""
    op.create_table(
        "events",
        sa.Column("operation", sa.String(64), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("operation", "sequence"),
    )
    op.create_table(
        "lease",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
    )
    op.execute("INSERT INTO lease (id, holder, epoch, expires_at) VALUES (1, '', 0, 0)")
    op.add_column("operations", sa.Column("needs_person", sa.Boolean, nullable=False, server_default=sa.false()))
    if op.get_bind().dialect.name == "sqlite":
        op.execute("INSERT INTO events SELECT id, 1, 0, 'accepted', 1, document FROM operations ORDER BY id")
        op.execute(
            "UPDATE operations SET needs_person = 1 WHERE state = 'needs attention' "
            "AND CASE WHEN json_valid(document) THEN json_extract(document, '$.acknowledged') IS NULL ELSE 1 END"
        )
        op.execute(_SQLITE_TRIGGER)
    else:
        op.alter_column("operations", "sequence", type_=sa.BigInteger)
        op.execute(_POSTGRESQL_FUNCTION)
        op.execute(_POSTGRESQL_TRIGGER)
    op.drop_column("operations", "document")
    # Nothing is asked for by its time: no clock has a part in the order of operations.
    op.execute("DROP INDEX IF EXISTS operations_by_time")


def downgrade() -> None:
    """Refuse: an older version would not know what happened since."""
    raise NotImplementedError("a journal of events cannot be turned back into one of documents")
