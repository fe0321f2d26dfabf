"""The journal in a file and in a PostgreSQL database: what uses these fixtures runs on both."""

import pytest

from novacron.adapters.sql.journal import SqlJournal
from tests.support.journal_store import Store


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request, tmp_path):
    if request.param == "sqlite":
        return Store(place=tmp_path / "journal.sqlite")
    server = request.getfixturevalue("postgres")
    return Store(place=server.new_database(), server=server)


@pytest.fixture
async def journal(store):
    opened = SqlJournal(store.place)
    await opened.open()
    yield opened
    await opened.close()
