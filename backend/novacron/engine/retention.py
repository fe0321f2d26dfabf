"""Moves operations that ended long ago to the journal's archive: few at once, with time for other commits between."""

import logging

from novacron.engine.lease import LeaseKeeper
from novacron.engine.ledger import Ledger
from novacron.engine.log import log
from novacron.engine.settings import EngineSettings
from novacron.model.errors import JournalError
from novacron.model.work.retention import archived_before
from novacron.ports.clock import Clock
from novacron.ports.journal import Journal


class Retention:
    """The long-lived task that keeps the live journal small."""

    def __init__(
        self, journal: Journal, ledger: Ledger, lease: LeaseKeeper, clock: Clock, settings: EngineSettings
    ) -> None:
        self._journal = journal
        self._lease = lease
        self._ledger = ledger
        self._clock = clock
        self._settings = settings
        self.fault = ""
        """Why the last attempt broke off; empty when it did not."""

    async def run(self) -> None:
        """Move what is due, again and again. A backend that only shows operations leaves them to their holder."""
        while True:
            await self._clock.sleep(self._settings.archive_interval_s)
            if self._lease.other or not self._ledger.is_open:
                self.fault = ""
                continue
            try:
                await self._move_all_due()
            except JournalError as error:
                # What is archived is so, and the rest stays where it was: the next attempt goes on there.
                if self.fault != str(error):
                    log("operations were not archived", level=logging.WARNING, why=str(error))
                self.fault = str(error)
            else:
                self.fault = ""

    async def _move_all_due(self) -> None:
        settings = self._settings
        before = archived_before(self._clock.now(), settings.journal_keep_days)
        while before is not None:
            self._ledger.require_writable()
            moved = await self._journal.archive(before, settings.archive_at_once, epoch=self._lease.epoch)
            if moved:
                log("operations archived", number=moved)
            if moved < settings.archive_at_once:
                return
            await self._clock.sleep(settings.archive_gap_s)
