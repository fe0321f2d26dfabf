"""One operation: its steps with times, a migration's figures, how it ended."""

from collections.abc import Sequence

from novacron.model.operation import Operation
from novacron_tui.commands.command import Target
from novacron_tui.keys import KeyScope
from novacron_tui.present.cells import Line, Role, span
from novacron_tui.present.operation_detail import operation_lines
from novacron_tui.screens.reading import ReadingScreen


class OperationScreen(ReadingScreen):
    """Follows one operation."""

    key_scope = KeyScope.OPERATION

    def __init__(self, operation: Operation) -> None:
        super().__init__()
        self._operation = operation

    def title_line(self, width: int) -> Line:
        """Name it."""
        return (span(" Operation ", Role.DIM), span(self._operation.title, Role.STRONG))

    def targets(self) -> tuple[Target, ...]:
        """Return the operation."""
        return (self._operation,)

    def draw(self) -> None:
        """Follow the operation."""
        desk = self.desk
        self._operation = desk.state.operation(self._operation.id) or self._operation
        desk.notices.dismiss_failed(self._operation.id)
        super().draw()

    def read(self, width: int) -> Sequence[Line]:
        """Describe the operation."""
        return operation_lines(self._operation, self.desk.cell_context, width)
