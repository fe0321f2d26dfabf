"""What is said of a PostgreSQL journal that cannot be used: whose fault, why, what to do, and never the password."""

import logging
import socket
import traceback

import pytest

from novacron.adapters.sql.faults import translate
from novacron.adapters.sql.journal import SqlJournal
from novacron.adapters.sql.postgresql import describe
from novacron.model.errors import JournalError
from tests.support.postgresql import PostgresServer, database_of

_URL = "postgresql://nova:se-cret@db.example.net/novacron"


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ('password authentication failed for user "nova"', "refuses the password"),
        ('database "novacron" does not exist', "no such database"),
        ("[Errno 111] Connect call failed ('127.0.0.1', 5432)", "does not answer"),
        ("[Errno -2] Name or service not known", "name is unknown"),
        ("[Errno -5] No address associated with hostname", "name is unknown"),
        ("[Errno -3] Temporary failure in name resolution", "cannot be looked up"),
        ("[Errno 113] No route to host", "cannot be reached"),
        ("[Errno 101] Network is unreachable", "cannot be reached"),
    ],
)
def test_subject_cause_and_remedy_are_told(said: str, cause: str) -> None:
    told = translate(describe(_URL), OSError(said))
    assert told.subject == "postgresql://nova@db.example.net/novacron"
    assert cause in told.detail
    assert told.remedy
    assert "backend's log" not in told.remedy, "the cause is known"


async def _refused(url: str, caplog: pytest.LogCaptureFixture) -> JournalError:
    """Open a journal that cannot be opened; nothing that is said of it, or logged, has the password."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(JournalError) as caught:
        await SqlJournal(url).open()
    told = "".join(traceback.format_exception(caught.value))
    assert "se-cret" not in told
    assert "se-cret" not in caplog.text
    return caught.value


async def test_a_database_that_is_not_there_is_told_without_the_password(
    postgres: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    url = postgres.new_database()
    absent = url.replace(database_of(url), "absent")
    told = await _refused(f"{absent}{'&' if '?' in absent else '?'}password=se-cret", caplog)
    assert "no such database" in told.detail


async def test_a_server_that_is_gone_is_told_without_the_password(caplog: pytest.LogCaptureFixture) -> None:
    with socket.socket() as free:  # bound, and nobody listens
        free.bind(("127.0.0.1", 0))
        told = await _refused(f"postgresql://nova:se-cret@127.0.0.1:{free.getsockname()[1]}/novacron", caplog)
    assert "does not answer" in told.detail
