"""The outcomes of a simulated migration: moved, or a state that dying daemons were measured to leave."""

from enum import StrEnum


class MigrationOutcome(StrEnum):
    """What a migration leaves on both hosts."""

    COMPLETES = "completes"
    REFUSED = "refused"
    """The destination says no at the start: the source runs on."""
    FALLS_BACK = "falls back"
    """The source's libvirtd dies while memory is copied: the source runs on, the destination is gone."""
    RUNS_NOWHERE = "runs nowhere"
    """The source is left paused, the destination is gone; the source's libvirtd died."""
    BOTH_PAUSED = "both paused"
    """Both are left paused (migrating); the source's libvirtd died."""
    STALE_SOURCE = "stale source"
    """The destination runs, a paused process is left at the source; the destination's libvirtd died."""
    SOURCE_CRASHED = "source crashed"
    """The destination runs, the source says shut off (crashed); the source's libvirtd died."""
    SOURCE_OFF_BY_DAEMON = "source off by daemon"
    """The destination runs, the source says shut off (daemon); the source's libvirtd died."""
    RUNS_TWICE = "runs twice"
    """Split brain: both run. Only where no disk lock prevents it, otherwise STALE_SOURCE."""
    LOST = "lost"
    """The source's QEMU dies while memory is copied: the VM runs nowhere and is shut off (crashed)."""
    ENDS_UNSEEN = "ends unseen"
    """It completes, but the connection to the source breaks before the answer came."""
