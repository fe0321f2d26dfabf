"""Where a test's journal is: a file or a PostgreSQL database, and a way to it that does not use our own code."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.postgresql import PostgresServer, database_of


@dataclass(frozen=True, kw_only=True)
class Store:
    """Where a journal is, and a way to it that does not go through our own code."""

    place: Path | str
    server: PostgresServer | None = None

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run SQL there."""
        if self.server is None:
            assert isinstance(self.place, Path)
            return run_sql(self.place, *statements)
        assert isinstance(self.place, str)
        said = [self.server.sql(statement, database=database_of(self.place)) for statement in statements]
        return [tuple(line.split("|")) for line in said[-1].splitlines()]


def run_sql(path: Path, *statements: str) -> list[tuple[Any, ...]]:
    database = sqlite3.connect(path)
    try:
        for statement in statements:
            found = database.execute(statement).fetchall()
        database.commit()
    finally:
        database.close()
    return found
