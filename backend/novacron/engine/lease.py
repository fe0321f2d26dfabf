"""Which of the backends on one journal runs its operations: the one that holds the lease.

The holder renews it; when it cannot, it begins no more steps some seconds before the lease runs out. The lease's epoch
goes with every event, and the journal refuses those of an older one: that, not the clock, keeps two backends apart.
"""

from novacron.engine.settings import EngineSettings
from novacron.model.errors import JournalError
from novacron.ports.clock import Clock
from novacron.ports.journal import Journal


class LeaseKeeper:
    """The lease as this backend knows it."""

    def __init__(self, journal: Journal, clock: Clock, settings: EngineSettings, holder: str) -> None:
        """`holder` is this backend's name, for people, and for its own next start, which takes over at once."""
        self._journal = journal
        self._clock = clock
        self._settings = settings
        self._holder = holder
        self._until = 0.0
        self.epoch = 0
        """Of our lease; 0 while we have none."""
        self.other = ""
        """Who has it; empty while it is ours, or nobody has asked yet."""
        self.fault: JournalError | None = None
        """Why it could not be asked for; None when it could."""

    @property
    def is_ours(self) -> bool:
        """Whether it was ours when it was last asked for."""
        return self.epoch > 0

    async def take(self) -> None:
        """Take it, or renew ours. It is another's afterwards when that one has it.

        Raises:
            JournalError: it cannot be asked for.
        """
        asked_at = self._clock.monotonic()
        try:
            lease = await self._journal.take_lease(self._holder, self.epoch, self._settings.lease_s)
        except JournalError as error:
            self.fault = error
            raise
        self.fault = None
        self.epoch = lease.epoch if lease.is_ours else 0
        self.other = "" if lease.is_ours else lease.holder or "another backend"
        self._until = asked_at + self._settings.lease_s - self._settings.lease_margin_s

    async def give_back(self) -> None:
        """Let another backend have it at once."""
        if self.is_ours:
            await self._journal.give_back_lease(self.epoch)
            self.epoch = 0

    def require(self) -> None:
        """Return where an operation may be accepted, and a step begun.

        Raises:
            JournalError: by whom, or why not.
        """
        if self.other:
            raise JournalError(
                "operations",
                f"{self.other} runs them",
                "ask there; this backend shows them, and takes over when that one ends",
            )
        if self.is_ours and self._clock.monotonic() >= self._until:
            why = self.fault.detail if self.fault is not None else "the journal does not answer"
            raise JournalError(
                "journal", f"the right to run operations could not be renewed: {why}", "it is tried again by itself"
            )
