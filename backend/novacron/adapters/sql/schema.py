"""Bringing a journal to this version's layout, in one transaction or not at all."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from novacron.model.errors import JournalError

_MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, path: Path) -> None:
    """Upgrade the layout. Raises JournalError when the journal is from a newer version, and leaves it as it is."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    found = MigrationContext.configure(connection).get_current_revision()
    newest = scripts.get_current_head()
    if found == newest:
        return
    try:
        if found is not None:
            scripts.get_revision(found)
    except CommandError:
        raise JournalError(
            str(path),
            f"it has layout {found} and this version knows up to {newest}",
            "use the version of novacron that wrote it, or move it away",
        ) from None
    command.upgrade(config, "head")
