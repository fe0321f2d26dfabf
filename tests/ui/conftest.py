"""What UI tests share: a fixed time zone, no colour or glyph wish of the machine, and screenshots as snapshots."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.location import PyTestLocation

_SCREENSHOTS = Path(__file__).parents[2] / "screenshots"


class ScreenshotExtension(SingleFileSnapshotExtension):
    """Keeps each snapshot as screenshots/NAME.svg: the pictures of the README are what the tests compare with."""

    _write_mode = WriteMode.TEXT
    file_extension = "svg"

    @classmethod
    def dirname(cls, *, test_location: PyTestLocation) -> str:
        """Return the one folder of all pictures."""
        return str(_SCREENSHOTS)

    @classmethod
    def get_snapshot_name(cls, *, test_location: PyTestLocation, index: int | str = 0) -> str:
        """Return the name the test gives."""
        return str(index)


@pytest.fixture
def screenshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Compare with screenshots/NAME.svg: `assert svg == screenshot(name="vms")`."""
    return snapshot.use_extension(ScreenshotExtension)


@pytest.fixture(autouse=True)
def same_everywhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take away what differs between machines: time zone, colours, glyphs."""
    monkeypatch.setenv("TZ", "UTC")
    for name in ("NO_COLOR", "NOVACRON_ASCII", "TEXTUAL", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
