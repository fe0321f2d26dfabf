"""A fake clock whose wall time can jump, as when NTP or a person sets it; its monotonic time never does."""

from datetime import timedelta

from tests.fake_clock import FakeClock


class JumpingClock(FakeClock):
    """A FakeClock with jumps."""

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward, or back."""
        self._start += timedelta(seconds=seconds)
