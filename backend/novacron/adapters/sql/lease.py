"""The lease's one row. Who has it may add events; a trigger of the table of events refuses all others."""

from sqlalchemy import ColumnElement, Float, case, func, literal_column, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from novacron.adapters.sql.tables import lease
from novacron.ports.journal import Lease

# Of the day in SQLite: julianday counts days, and 1970 began on day 2440587.5.
_NOW_SQLITE: ColumnElement[float] = literal_column("(julianday('now') - 2440587.5) * 86400.0", Float)
_NOW_POSTGRESQL: ColumnElement[float] = literal_column("extract(epoch FROM clock_timestamp())::float8", Float)


async def take(connection: AsyncConnection, holder: str, epoch: int, for_s: float) -> Lease:
    """Take the lease, or renew that of this epoch; return it as it is then."""
    now = _NOW_SQLITE if connection.dialect.name == "sqlite" else _NOW_POSTGRESQL
    is_renewed = (lease.c.epoch == epoch) & (func.coalesce(epoch, 0) > 0)
    taken = await connection.execute(
        update(lease)
        .where(lease.c.id == 1, or_(is_renewed, lease.c.expires_at <= now, lease.c.holder == holder))
        .values(
            holder=holder,
            epoch=case((is_renewed, lease.c.epoch), else_=lease.c.epoch + 1),
            expires_at=now + for_s,
        )
    )
    found = (await connection.execute(select(lease.c.holder, lease.c.epoch))).one()
    return Lease(holder=found.holder, epoch=found.epoch, is_ours=taken.rowcount == 1)


async def give_back(connection: AsyncConnection, epoch: int) -> None:
    """End the lease of this epoch; that of another one is left alone."""
    await connection.execute(update(lease).where(lease.c.id == 1, lease.c.epoch == epoch).values(expires_at=0.0))
