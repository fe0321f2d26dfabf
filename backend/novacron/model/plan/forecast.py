"""How far a migration is and when it will end, from the hypervisor's own figures."""

from datetime import datetime
from typing import Final

from novacron.model.operation import Progress
from novacron.model.vm import JobProgress

_ROUNDS_TO_JUDGE: Final = 3
"""The first passes say nothing: everything is dirty once."""
_ALMOST: Final = 0.99
"""Until both hosts were read it is not done, whatever the figures say."""


def forecast(before: Progress, job: JobProgress, observed_at: datetime, *, auto_converge: bool = False) -> Progress:
    """Return the next progress. Its fraction stays under 1, and while it does not converge shows the least so far."""
    stuck = _does_not_converge(job)
    return Progress(
        fraction=_next_fraction(before, job, stuck=stuck),
        job=job,
        remaining_s=None if stuck else _remaining_s(job),
        note=_stuck_note(job, auto_converge=auto_converge) if stuck else "",
        stuck_since=(before.stuck_since or observed_at) if stuck else None,
        observed_at=observed_at,
    )


def _next_fraction(before: Progress, job: JobProgress, *, stuck: bool) -> float | None:
    now = _fraction(job)
    if now is None or before.fraction is None:
        return now if before.fraction is None else before.fraction
    if stuck:
        # Each pass starts anew and gets as far: what the last one left is what is true.
        return min(now, before.fraction) if before.stuck_since else now
    if before.stuck_since or _is_second_pass(before.job, job):
        return now
    return max(now, before.fraction)


def _is_second_pass(before: JobProgress | None, job: JobProgress) -> bool:
    """Whether the first pass has ended: only now is it known how much was dirtied meanwhile."""
    return ((before.iteration if before else None) or 0) <= 1 < (job.iteration or 0)


def _fraction(job: JobProgress) -> float | None:
    moved = _moved(job)
    left_s = _remaining_s(job)
    if moved is None or left_s is None or (job.iteration or 0) <= 1 or job.disk_remaining_mib:
        return moved
    # A later pass is short and always nearly over; its time is what tells how far the whole is.
    return min(moved, _ALMOST, job.elapsed_s / (job.elapsed_s + left_s) if left_s else _ALMOST)


def _moved(job: JobProgress) -> float | None:
    pairs = [
        (total, remaining)
        for total, remaining in (
            (job.memory_total_mib, job.memory_remaining_mib),
            (job.disk_total_mib, job.disk_remaining_mib),
        )
        if total is not None and remaining is not None and total > 0
    ]
    if not pairs:
        return None
    moved = sum(max(0.0, total - remaining) for total, remaining in pairs)
    return min(_ALMOST, moved / sum(total for total, _ in pairs))


def _remaining_s(job: JobProgress) -> float | None:
    rate = job.rate_mib_s
    if rate is None or rate <= 0:
        return None
    disk_s = (job.disk_remaining_mib or 0.0) / rate
    if job.memory_remaining_mib is None:
        return disk_s if job.disk_remaining_mib is not None else None
    # Each round sends what was dirtied during the last one: a geometric series.
    surplus = rate - (job.dirty_rate_mib_s or 0.0)
    return disk_s + job.memory_remaining_mib / surplus if surplus > 0 else None


def _does_not_converge(job: JobProgress) -> bool:
    if job.disk_remaining_mib or job.rate_mib_s is None or job.dirty_rate_mib_s is None:
        return False
    return (job.iteration or 0) >= _ROUNDS_TO_JUDGE and job.dirty_rate_mib_s >= job.rate_mib_s


def _stuck_note(job: JobProgress, *, auto_converge: bool) -> str:
    figures = f"dirties {job.dirty_rate_mib_s or 0:.0f} MiB/s, moves {job.rate_mib_s or 0:.0f} MiB/s"
    if auto_converge:
        return f"does not converge yet, its CPUs are being slowed: {figures}"
    return f"does not converge: {figures}; pause the VM until it has moved, or cancel it"
