"""The Alerts pane: what holds now, worst first, then what was cleared lately."""

from collections.abc import Mapping, Sequence
from typing import Final

from novacron.model.alert.alert import Alert, AlertRule, Severity
from novacron_tui.present.cells import Cell, Line, Role, cell, paragraph
from novacron_tui.present.column import CellContext, Column, TableSpec
from novacron_tui.present.quantity import age, clock_time
from novacron_tui.present.words import severity_sign

_RANK: Final = {Severity.CRITICAL: 0, Severity.WARNING: 1}


def _severity(alert: Alert, context: CellContext) -> Cell:
    if alert.cleared_at is not None:
        return cell(f"{context.glyphs.done} cleared", role=Role.DIM)
    shape, role = severity_sign(alert.severity, context.glyphs)
    return cell(f"{shape} {alert.severity}", role=role)


def _role(alert: Alert) -> Role:
    return Role.TEXT if alert.cleared_at is None else Role.DIM


def _age(alert: Alert, context: CellContext) -> Cell:
    return cell(age(alert.cleared_at or alert.raised_at, context.now), role=Role.DIM)


def _what(alert: Alert) -> str:
    # The text of this one begins with the state of the link, which says more than "unreachable".
    rule = "host" if alert.rule is AlertRule.HOST_UNREACHABLE else f"{alert.rule}:"
    return f"{rule} {alert.text}"


def alert_lines(alerts: Sequence[Alert], context: CellContext, width: int) -> list[Line]:
    """Say in full what is wrong with one thing, since when, and what to do."""
    lines: list[Line] = []
    for alert in alerts:
        shape, role = severity_sign(alert.severity, context.glyphs)
        text = f"{shape} for {age(alert.raised_at, context.now)}: {_what(alert)}"
        lines += paragraph(text, width - 1, role, indent=1)
        if alert.remedy:
            lines += paragraph(f"What to do: {alert.remedy}", width - 3, Role.TEXT, indent=3)
    return lines


def alert_fields(alert: Alert) -> Mapping[str, str]:
    """Return what a filter finds an alert by."""
    return {
        "name": alert.subject,
        "rule": alert.rule.value,
        "state": "cleared" if alert.cleared_at else alert.severity.value,
        "text": alert.text,
        "host": alert.host or "",
    }


ALERTS: Final[TableSpec[Alert]] = TableSpec(
    columns=(
        Column(
            id="severity",
            title="SEVERITY",
            width=10,
            priority=0,
            cell=_severity,
            order=lambda alert: (
                alert.cleared_at is not None,
                _RANK[alert.severity],
                -alert.raised_at.timestamp(),
            ),
        ),
        Column(
            id="age",
            title="AGE",
            width=5,
            priority=1,
            right=True,
            cell=_age,
            order=lambda alert: -(alert.cleared_at or alert.raised_at).timestamp(),
        ),
        Column(
            id="subject",
            title="SUBJECT",
            width=14,
            widest=30,
            priority=0,
            cell=lambda alert, _: cell(alert.subject, role=_role(alert)),
            order=lambda alert: alert.subject.casefold(),
        ),
        Column(
            id="text",
            title="WHAT",
            width=30,
            widest=200,
            priority=0,
            cell=lambda alert, _: cell(_what(alert), role=_role(alert)),
            order=lambda alert: alert.rule.value,
        ),
        Column(
            id="raised",
            title="RAISED",
            width=8,
            priority=3,
            largest_first=True,
            cell=lambda alert, _: cell(clock_time(alert.raised_at), role=Role.DIM),
            order=lambda alert: alert.raised_at,
        ),
    ),
    key=lambda alert: alert.key,
    fields=alert_fields,
    sort="severity",
    empty=(
        "No alert. One is raised here when a host does not answer, a VM crashes or is paused by an I/O error, "
        "a pool or a host's file system is nearly full, or an operation fails."
    ),
    is_ageing=lambda _alert: True,
)
