"""What happened in one simulated run, line by line, and which promises were broken."""

from novacron.ports.clock import Clock


class Trace:
    """The log of one run. Two runs of one seed write the same lines."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began_at = clock.monotonic()
        self.lines: list[str] = []
        self.violations: list[str] = []

    def note(self, text: str) -> None:
        """Write down something that happened, with the seconds since the run began."""
        self.lines.append(f"{self._clock.monotonic() - self._began_at:10.3f} {text}")

    def violate(self, text: str) -> None:
        """Write down a promise that was broken; the run goes on."""
        self.note(f"BROKEN PROMISE: {text}")
        self.violations.append(text)
