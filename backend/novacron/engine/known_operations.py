"""Finding operations: in memory, and in the journal those that are remembered no more. Changes none."""

from novacron.engine.remembered import RememberedOperations
from novacron.model.errors import JournalError
from novacron.model.ids import OperationId
from novacron.model.operation import Operation
from novacron.ports.journal import Journal


class KnownOperations:
    """The part of the ledger that is asked for operations."""

    def __init__(self, journal: Journal, operations: RememberedOperations) -> None:
        self._journal = journal
        self._operations = operations
        self._cannot_open: JournalError | None = None
        self.is_open = False

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Recent operations, and older ones that have not ended or wait for a person; newest first."""
        return self._operations.newest_first()

    def find(self, operation: OperationId) -> Operation | None:
        """Return one, or None when it is not remembered."""
        return self._operations.find(operation)

    async def get(self, operation: OperationId) -> Operation | None:
        """Return one, from the journal when it is not remembered; None when there never was one.

        Raises:
            JournalError: it cannot be told.
        """
        self._require_open()
        return self.find(operation) or await self._journal.get(operation)

    async def by_key(self, key: str, actor: str) -> Operation | None:
        """Return the operation that this user submitted with this key, or None.

        Raises:
            JournalError: it cannot be told.
        """
        self._require_open()
        return self._operations.by_key(key, actor) or await self._journal.by_key(key, actor)

    def _require_open(self) -> None:
        if not self.is_open and self._cannot_open is not None:
            raise self._cannot_open
