"""Options by which any acting verb says when its operations may begin, and before whom."""

import inspect
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Annotated, Any, Final

import typer

from novacron.model.work.schedule import AT_ONCE, PRIORITY_MOST, Schedule

_KEY: Final = "novacron.schedule"
_FORMATS: Final = "22:30, 2026-03-01T22:30 (local time), 2026-03-01T22:30+01:00"

_OPTIONS: Final[dict[str, Any]] = {
    "not_before": Annotated[
        str | None,
        typer.Option("--not-before", "--at", metavar="TIME", help=f"Begin at this time at the earliest: {_FORMATS}."),
    ],
    "deadline": Annotated[
        str | None,
        typer.Option("--deadline", metavar="TIME", help="Do nothing if it has not begun by this time."),
    ],
    "priority": Annotated[
        int,
        typer.Option(
            "--priority",
            min=-PRIORITY_MOST,
            max=PRIORITY_MOST,
            help="Before whom it gets what several wait for: the higher, the earlier.",
        ),
    ],
}


def scheduled(verb: Callable[..., None]) -> Callable[..., None]:
    """Give a verb the options of a schedule; `schedule_of` tells what they said."""

    @wraps(verb)
    def with_schedule(*args: Any, **given: Any) -> None:  # noqa: ANN401 - typer's own values
        chosen = {name: given.pop(name) for name in _OPTIONS}
        now = datetime.now().astimezone()
        schedule = Schedule(
            priority=chosen["priority"],
            not_before=_moment("--not-before", chosen["not_before"], now),
            deadline=_moment("--deadline", chosen["deadline"], now),
        )
        context: typer.Context = given["context"]
        context.meta[_KEY] = schedule
        verb(*args, **given)

    known = inspect.signature(verb)
    added = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=0 if name == "priority" else None, annotation=one
        )
        for name, one in _OPTIONS.items()
    ]
    with_schedule.__signature__ = known.replace(parameters=[*known.parameters.values(), *added])  # type: ignore[attr-defined]
    with_schedule.__annotations__ = {**verb.__annotations__, **_OPTIONS}
    return with_schedule


def schedule_of(context: typer.Context) -> Schedule:
    """Return what the options of the command said; at once, where it has none."""
    schedule: Schedule = context.meta.get(_KEY, AT_ONCE)
    return schedule


def _moment(option: str, typed: str | None, now: datetime) -> datetime | None:
    """Return the moment that was typed, in UTC; a time of day is the next one of it."""
    if typed is None:
        return None
    try:
        moment = _time_of_day(typed, now) if len(typed) <= len("22:30:00") else datetime.fromisoformat(typed)
    except ValueError as error:
        raise typer.BadParameter(f"{option}: {typed!r} is no time; such as {_FORMATS}") from error
    # Without an offset it is local time.
    return moment.astimezone(UTC)


def _time_of_day(typed: str, now: datetime) -> datetime:
    parts = datetime.strptime(typed, "%H:%M:%S" if typed.count(":") == 2 else "%H:%M")  # noqa: DTZ007 - local time
    moment = now.replace(hour=parts.hour, minute=parts.minute, second=parts.second, microsecond=0, tzinfo=None)
    moment = moment.astimezone()
    return moment if moment > now else (moment.replace(tzinfo=None) + timedelta(days=1)).astimezone()
