"""How operations started at this console ended, and what else went wrong: kept until the operator dismisses it."""

from collections.abc import Iterable

from novacron.model.ids import OperationId
from novacron.model.operation import Operation
from novacron_tui.present.cells import Line
from novacron_tui.present.glyphs import Glyphs
from novacron_tui.present.status import BAD_ENDS, failure_line, notice_line


class OutcomeNotices:
    """Follows the operations of this console's operator; those of others are in the pane of operations only."""

    def __init__(self) -> None:
        self._followed: set[OperationId] = set()
        self.latest: OperationId | None = None
        """The operation that was started or cancelled last; None: there is none, or it was looked at since."""
        self._failed: tuple[Operation, ...] = ()
        self._texts: tuple[str, ...] = ()

    def follow(self, operation: OperationId) -> None:
        """Report the end of this operation, which was accepted or asked to stop."""
        self._followed.add(operation)
        self.latest = operation

    def take_ended(self, operations: Iterable[Operation]) -> list[Operation]:
        """Return the followed operations that have ended since the last call; those that failed are kept."""
        ended = [each for each in operations if each.id in self._followed and each.has_ended]
        self._followed -= {operation.id for operation in ended}
        self._failed += tuple(operation for operation in ended if operation.state in BAD_ENDS)
        return ended

    def add(self, text: str) -> None:
        """Keep what became of a request that is no operation: it was refused, or its outcome is not known."""
        self._texts += (text,)

    def dismiss_failed(self, *operations: OperationId) -> None:
        """Forget these operations that failed, or all of them when none is named."""
        self._failed = tuple(each for each in self._failed if operations and each.id not in operations)

    def dismiss_all(self) -> bool:
        """Forget everything that was kept; False when there was nothing."""
        had = bool(self._failed or self._texts)
        self._failed, self._texts = (), ()
        return had

    def line(self, glyphs: Glyphs) -> Line:
        """Return what has not been dismissed yet; empty when there is nothing."""
        if self._texts:
            return notice_line(self._texts, glyphs)
        return failure_line(self._failed, glyphs) if self._failed else ()
