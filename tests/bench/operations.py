"""How many operations a second are submitted, executed and completed, durably: beside a plain insert-and-commit loop.

An operation has one step that does nothing. Everything else is the program's own: the ledger, the journal's writer, the
run of an operation with its five events, and the store. The plain loop inserts a row of the same size and commits, one
after the other and in groups, on the same store in the same run.
"""

import asyncio
import gc
import sqlite3
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from novacron.adapters.sql.journal import SqlJournal
from novacron.engine.clock import SystemClock
from novacron.engine.lease import LeaseKeeper
from novacron.engine.ledger import Ledger
from novacron.engine.operations.context import StepContext
from novacron.engine.operations.step import StepHandler
from novacron.engine.settings import EngineSettings
from novacron.engine.work import runner as running
from novacron.engine.work.runner import OperationRunner
from novacron.model.operation import Operation, OperationState, StepRecord, StepResult
from novacron.runtime.memory import collect_rarely
from tests.operation_builders import a_step, an_operation

_AT_ONCE = 2000
"""How many are under way at a time."""
_GROUP = 500
_ROW = "x" * 700


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Operations, or rows, a second on one store."""

    store: str
    operations: float
    plain_one_by_one: float
    """Insert and commit, one row a transaction."""
    plain_in_groups: float
    """The same in transactions of 500 rows."""
    procrastinate: float | None = None
    """Jobs that do nothing, deferred and carried out by procrastinate; None where it was not measured."""


class _Nothing(StepHandler[Any]):
    async def act(self, context: StepContext) -> StepResult:
        return StepResult()


class _NoHosts:
    async def refresh(self, hosts: object) -> None:
        """Read nothing again."""


async def operations_a_second(place: Path | str, count: int) -> float:
    """Submit, execute and complete so many operations; return how many a second were."""
    clock, settings = SystemClock(), EngineSettings(lease_s=3600.0)  # nobody renews it here
    journal = SqlJournal(place)
    ledger = Ledger(journal, LeaseKeeper(journal, clock, settings, "bench"), lambda _: None, keep=200)
    await ledger.open()
    step = StepRecord(id="nothing", args=a_step(), title="do nothing")
    waiting = [
        replace(an_operation(number, state=OperationState.ACCEPTED, steps=(step,)), accepted_at=clock.now())
        for number in range(count)
    ]

    async def work_on() -> None:
        while waiting:
            await _carry_out(ledger, clock, settings, waiting.pop())

    try:
        began = time.perf_counter()
        await asyncio.gather(*(work_on() for _ in range(_AT_ONCE)))
        took_s = time.perf_counter() - began
        assert await journal.unfinished() == ()
    finally:
        await ledger.close()
    return count / took_s


async def _carry_out(ledger: Ledger, clock: SystemClock, settings: EngineSettings, asked: Operation) -> None:
    accepted = await ledger.accept(asked)
    context: Any = StepContext(
        operation=lambda: run.operation,
        fleet=lambda: None,  # type: ignore[arg-type,return-value]
        pollers=_NoHosts(),  # type: ignore[arg-type]
        clock=clock,
        settings=settings,
        show=lambda progress: ledger.show(accepted.id, progress),
        mark_settling=_nothing,
        require_ours=ledger.require_writable,
    )
    run = OperationRunner(accepted.id, ledger=ledger, context=context, clock=clock, settings=settings)
    await run.carry_out()


async def _nothing() -> None:
    """Do nothing."""


def plain_sqlite(path: Path, count: int, group: int) -> float:
    """Return how many rows a second a loop of insert and commit writes."""
    database = sqlite3.connect(path, isolation_level=None)
    database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE plain (id INT, text TEXT)")
    began = time.perf_counter()
    for first in range(0, count, group):
        database.execute("BEGIN IMMEDIATE")
        database.executemany("INSERT INTO plain VALUES (?, ?)", [(first + n, _ROW) for n in range(group)])
        database.execute("COMMIT")
    took_s = time.perf_counter() - began
    database.close()
    return count / took_s


async def plain_postgresql(url: str, count: int, group: int) -> float:
    """Return how many rows a second a loop of insert and commit writes."""
    import asyncpg

    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE IF NOT EXISTS plain (id INT, text TEXT)")
    began = time.perf_counter()
    for first in range(0, count, group):
        async with connection.transaction():
            await connection.executemany("INSERT INTO plain VALUES ($1, $2)", [(first + n, _ROW) for n in range(group)])
    took_s = time.perf_counter() - began
    await connection.close()
    return count / took_s


async def procrastinate_jobs(url: str, count: int) -> float | None:
    """Return how many jobs that do nothing procrastinate defers and carries out a second; None where it is not here."""
    try:
        from procrastinate import App, PsycopgConnector
    except ImportError:
        return None
    app = App(connector=PsycopgConnector(conninfo=url, min_size=4, max_size=20))

    @app.task
    async def nothing(number: int) -> None:
        """Do nothing."""

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        began = time.perf_counter()
        for first in range(0, count, _GROUP):
            numbers = range(first, min(first + _GROUP, count))
            await nothing.batch_defer_async(*({"number": number} for number in numbers))
        await app.run_worker_async(wait=False, concurrency=20, install_signal_handlers=False, listen_notify=False)
        return count / (time.perf_counter() - began)


async def sqlite_rates(count: int) -> Rates:
    """Measure on SQLite, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="nc-bench-", dir="/var/tmp") as folder:
        return Rates(
            store="SQLite",
            operations=await operations_a_second(Path(folder) / "journal.sqlite", count),
            plain_one_by_one=plain_sqlite(Path(folder) / "one.sqlite", max(count // 10, 10), 1),
            plain_in_groups=plain_sqlite(Path(folder) / "groups.sqlite", max(count, _GROUP), _GROUP),
        )


async def postgresql_rates(new_database: Callable[[], str], count: int) -> Rates:
    """Measure on PostgreSQL."""
    return Rates(
        store="PostgreSQL",
        operations=await operations_a_second(new_database(), count),
        plain_one_by_one=await plain_postgresql(new_database(), max(count // 10, 10), 1),
        plain_in_groups=await plain_postgresql(new_database(), max(count, _GROUP), _GROUP),
        procrastinate=await procrastinate_jobs(new_database(), max(count // 10, 10)),
    )


def measured(work: Callable[[], Awaitable[Rates]]) -> Rates:
    """Measure with a step that does nothing in place of every handler, and as rarely collected as in a backend."""
    collected = gc.get_threshold()
    collect_rarely()
    before = running.handler_of
    running.handler_of = lambda record: _Nothing(record.id, record.args)
    try:
        return asyncio.run(work())  # type: ignore[arg-type]
    finally:
        running.handler_of = before
        gc.set_threshold(*collected)
        gc.unfreeze()


def render(rates: list[Rates]) -> str:
    """Return a table: operations a second, and what was measured beside them, each with how often it goes into ours."""
    head = f"{'store':<12}{'operations/s':>14}"
    head += "".join(f"{name:>17}{'ratio':>8}" for name in ("plain loop/s", "in groups/s", "procrastinate/s"))
    return "\n".join([head, *map(_line, rates)])


def _line(one: Rates) -> str:
    others = (one.plain_one_by_one, one.plain_in_groups, one.procrastinate)
    cells = (f"{other:>17.0f}{one.operations / other:>8.2f}" if other else f"{'-':>17}{'-':>8}" for other in others)
    return f"{one.store:<12}{one.operations:>14.0f}{''.join(cells)}"


def main(count: int = 10_000) -> None:
    """Measure and print."""
    from tests.support.postgresql import running_server

    rates = [measured(lambda: sqlite_rates(count))]
    try:
        with running_server() as server:
            rates.append(measured(lambda: postgresql_rates(server.new_database, count)))
    except LookupError as missing:
        print(f"bench: PostgreSQL was not measured: {missing}")
    print(render(rates))


if __name__ == "__main__":
    main()
