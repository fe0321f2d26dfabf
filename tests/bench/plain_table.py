"""A Textual DataTable of as many rows as the fleet has, and nothing else: the measure of what the toolkit costs."""

import sys

from textual.app import App, ComposeResult
from textual.widgets import DataTable

_COLUMNS = ("name", "state", "host", "vcpus", "memory", "cpu", "disk", "network")


class PlainTable(App[None]):
    """The table."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self._rows = rows
        self.animation_level = "none"

    def compose(self) -> ComposeResult:
        """Make the table."""
        yield DataTable(cursor_type="row")

    def on_mount(self) -> None:
        """Fill it."""
        table = self.query_one(DataTable)
        table.add_columns(*_COLUMNS)
        for number in range(self._rows):
            table.add_row(f"web-{number}", "running", f"kvm-{number // 20}", 4, "8.0 GiB", "12 %", "1 MB/s", "2 MB/s")
        table.focus()


if __name__ == "__main__":
    PlainTable(int(sys.argv[1])).run()
