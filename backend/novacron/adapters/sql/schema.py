"""Bringing a journal to this version's layout, in one transaction or not at all."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from novacron.adapters.sql.tables import LAYOUT
from novacron.model.errors import JournalError

_MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, journal: str) -> None:
    """Upgrade the layout within the connection's transaction. `journal` is its name for people.

    Raises:
        JournalError: the journal is of a newer version; it is left as it is.
    """
    found = _layout_of(connection)
    if found == LAYOUT:
        return
    # Late: most starts find the newest layout, and Alembic takes a tenth of a second to import.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    # Alembic reads % as an interpolation.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise JournalError(
            journal,
            f"it has layout {found}, and this version of novacron knows layouts up to {LAYOUT}",
            "use the version of novacron that wrote it, or move it away",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _layout_of(connection: Connection) -> str | None:
    """Return the revision the journal has; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return found
