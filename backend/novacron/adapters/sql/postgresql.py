"""The journal in a PostgreSQL database, which several backends may share."""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from novacron.adapters.sql.faults import DATABASE_ERRORS, translate
from novacron.adapters.sql.schema import upgrade
from novacron.model.errors import JournalError

_CONNECT_S = 10.0
ANSWER_S = 30.0
"""How long a statement may take: a server that vanished without a word must not hold the journal up for ever."""
_OLDEST = 120000
_POOL = 4


def describe(url: str) -> str:
    """Return the URL without its password: it goes into messages and logs."""
    try:
        parts = urlsplit(url)
        shown = [(name, value) for name, value in parse_qsl(parts.query) if "pass" not in name and name != "sslkey"]
    except ValueError:
        return "postgresql://"
    user, at, address = parts.netloc.rpartition("@")
    query = f"?{urlencode(shown, safe='/')}" if shown else ""
    return f"{parts.scheme}://{user.partition(':')[0]}{at}{address}{parts.path}{query}"


async def open_postgresql(url: str, answer_s: float = ANSWER_S) -> AsyncEngine:
    """Connect, and bring the journal to this version's layout. A statement may take `answer_s`.

    Raises:
        JournalError: it is of a newer version, or cannot be used; it is left as it is.
    """
    name = describe(url)
    driver = _driver(name)

    async def connect() -> Any:  # noqa: ANN401 - the driver is optional, and so are its types
        try:
            return await driver.connect(
                url,
                timeout=_CONNECT_S,
                command_timeout=answer_s,
                # Whatever the server's own default: acknowledged means on the disk.
                server_settings={"synchronous_commit": "on", "application_name": "novacron"},
            )
        except (driver.PostgresError, driver.InterfaceError, OSError, ValueError) as error:
            raise translate(name, error) from None  # its traceback may quote the URL

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, pool_size=_POOL, pool_pre_ping=True)
    try:
        async with engine.begin() as connection:
            version = (await connection.execute(text("SELECT current_setting('server_version_num')::int"))).scalar_one()
            if version < _OLDEST:
                raise JournalError(name, f"its server is PostgreSQL {version // 10000}", "12 or newer is needed")
            # Two backends may come at once.
            await connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('novacron layout'))"))
            await connection.run_sync(upgrade, name)
    except DATABASE_ERRORS as error:
        await engine.dispose()
        raise translate(name, error) from error
    except JournalError:
        await engine.dispose()
        raise
    return engine


def _driver(name: str) -> Any:  # noqa: ANN401 - optional
    try:
        import asyncpg
    except ImportError:
        raise JournalError(
            name, "the driver for PostgreSQL is not installed", "pip install 'novacron[postgresql]'"
        ) from None
    return asyncpg
