"""What was asked for at this console, and what became of it: said at once, and kept until somebody has taken notice."""

from collections.abc import Iterable

from novacron.model.ids import OperationId
from novacron.model.operation import Operation
from novacron_tui.present.cells import Line
from novacron_tui.present.glyphs import Glyphs
from novacron_tui.present.status import BAD_ENDS, failure_line, untold_line


class Errands:
    """The operations of this console's operator; others' are in the pane of operations."""

    def __init__(self) -> None:
        self._open: set[OperationId] = set()
        self.latest: OperationId | None = None
        """The one asked for last, until it has been looked at."""
        self._failed: tuple[Operation, ...] = ()
        self._untold: tuple[str, ...] = ()

    def begin(self, operation: OperationId) -> None:
        """Take note of one that was accepted, or asked to stop."""
        self._open.add(operation)
        self.latest = operation

    def ended(self, operations: Iterable[Operation]) -> list[Operation]:
        """Return those that have ended since they were asked about last; the bad ends are kept."""
        ended = [each for each in operations if each.id in self._open and each.has_ended]
        self._open -= {operation.id for operation in ended}
        self._failed += tuple(operation for operation in ended if operation.state in BAD_ENDS)
        return ended

    def tell(self, text: str) -> None:
        """Keep what became of something that is no operation: it was refused, or it is not known."""
        self._untold += (text,)

    def saw_failed(self, *operations: OperationId) -> None:
        """Forget operations that failed, all of them unless some are named: they have been looked at."""
        self._failed = tuple(each for each in self._failed if operations and each.id not in operations)

    def seen(self) -> bool:
        """Forget everything that was kept; False when there was nothing."""
        had = bool(self._failed or self._untold)
        self._failed, self._untold = (), ()
        return had

    def line(self, glyphs: Glyphs) -> Line:
        """Return what nobody has taken notice of yet."""
        if self._untold:
            return untold_line(self._untold, glyphs)
        return failure_line(self._failed, glyphs) if self._failed else ()
