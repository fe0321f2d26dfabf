"""Numbers as an operator reads them: short, with a unit, and a dash where nothing is known."""

from datetime import datetime
from typing import Final

NOTHING: Final = "-"
_STEPS: Final = ("", "K", "M", "G", "T", "P", "E")


def size_mib(mib: float | None) -> str:
    """Format mebibytes: 512M, 1.5G, 12T."""
    return NOTHING if mib is None else _scaled(mib * 1024 * 1024)


def rate(bytes_per_second: float | None) -> str:
    """Format a rate, without the "/s" that its column title carries: 0, 812K, 1.2M."""
    return NOTHING if bytes_per_second is None else _scaled(bytes_per_second)


def rate_mib(mib_s: float | None) -> str:
    """Format a rate given in MiB a second, with its unit."""
    return NOTHING if mib_s is None else f"{_scaled(mib_s * 1024 * 1024)}/s"


def percent(value: float | None) -> str:
    """Format percent without the sign: a decimal below ten only."""
    if value is None:
        return NOTHING
    return f"{value:.1f}" if 0 < value < 9.95 else f"{value:.0f}"


def fraction(value: float | None) -> str:
    """Format 0.0 to 1.0 as whole percent; never 100 % before it is all."""
    if value is None:
        return NOTHING
    return f"{min(99, int(value * 100)) if value < 1 else 100}%"


def duration(seconds: float) -> str:
    """Format a length of time by its largest unit or two: 14s, 3m, 2h05, 5d."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m" if whole >= 600 else f"{whole // 60}m{whole % 60:02}"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}"
    return f"{whole // 86400}d"


def age(since: datetime | None, now: datetime) -> str:
    """Format how long ago something was."""
    return NOTHING if since is None else duration((now - since).total_seconds())


def clock_time(moment: datetime) -> str:
    """Format a moment in the operator's own time zone."""
    return moment.astimezone().strftime("%H:%M:%S")


def _scaled(count: float) -> str:
    value = float(count)
    for step in _STEPS:
        if abs(value) < 999.5 or step == _STEPS[-1]:
            if step and 0 < abs(value) < 9.95:
                return f"{value:.1f}{step}".replace(".0", "")
            return f"{value:.0f}{step}"
        value /= 1024
    raise AssertionError
