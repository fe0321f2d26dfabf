"""Keep the journal open and written, and its lease renewed; take operations up when the lease comes to this backend."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from novacron.engine.executor import EngineContext, Executor
from novacron.engine.lease import LeaseKeeper
from novacron.engine.retention import Retention
from novacron.engine.work.batches import Batches
from novacron.engine.work.recovery import recover
from novacron.model.alert.conditions import BackendFaults
from novacron.model.errors import JournalError
from novacron.ports.journal import Journal


class JournalKeeping:
    """The tasks that go on for as long as the backend does."""

    def __init__(
        self, journal: Journal, engine: EngineContext, lease: LeaseKeeper, executor: Executor, batches: Batches
    ) -> None:
        self._journal = journal
        self._engine = engine
        self._ledger = engine.ledger
        self._lease = lease
        self._executor = executor
        self._batches = batches
        self.retention = Retention(journal, engine.ledger, lease, engine.clock, engine.settings)
        self._alone = asyncio.Lock()
        """Held while operations are taken up, or left: done twice at once, each would be carried out twice."""

    @property
    def faults(self) -> BackendFaults:
        """What is wrong with the journal."""
        return BackendFaults(journal=self._ledger.error, archive=self.retention.fault)

    @property
    def tasks(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What goes on beside the writing, by its name for people."""
        return {
            "checking the journal": self.check,
            "renewing the lease": self.renew,
            "archiving operations": self.retention.run,
        }

    async def take_up(self) -> None:
        """Open the journal, and go on with what an earlier run, or another backend, left unfinished."""
        async with self._alone:
            await self._take_up()

    async def _take_up(self) -> None:
        with suppress(JournalError):  # the ledger keeps it, and shows it
            unfinished = await self._ledger.open()
            if self._lease.is_ours:
                recover(unfinished, self._executor, self._engine)
                self._batches.take_up(unfinished)

    async def retry(self) -> None:
        """Try again and again to open it, and to write what could not be written."""
        while True:
            await self._engine.clock.sleep(self._engine.settings.journal_retry_s)
            if self._ledger.is_open:
                # Not alone: the lease is renewed also while a commit hangs.
                await self._ledger.flush()
                continue
            async with self._alone:
                if not self._ledger.is_open:
                    await self._take_up()

    async def check(self) -> None:
        """Have the journal checked once, when it is open: a large one takes longer than a start may."""
        while not self._ledger.is_open:
            await self._engine.clock.sleep(self._engine.settings.journal_retry_s)
        try:
            await self._journal.check()
        except JournalError as error:
            self._ledger.damage = error

    async def renew(self) -> None:
        """Renew the lease again and again, or take over what another backend leaves."""
        while True:
            await self._engine.clock.sleep(self._engine.settings.lease_renew_s)
            async with self._alone:
                if self._ledger.is_open:
                    with suppress(JournalError):  # the lease's keeper keeps it, and shows it
                        await self._follow_lease()

    async def _follow_lease(self) -> None:
        before = self._lease.epoch
        await self._lease.take()
        if self._lease.epoch != before:
            await self._batches.stop()
            await self._executor.let_go()
            await self._take_up()
        elif not self._lease.is_ours:
            await self._ledger.follow()
