"""The confirmation: what would be done, what it touches, whether it can be taken back, and what to press."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from novacron.model.plan.plan import Danger, Plan, Undo
from novacron.model.refusal import Refusal
from novacron.model.safetext import SafeText
from novacron_tui.present.cells import Line, Role, Span, line, paragraph, span
from novacron_tui.present.glyphs import Glyphs
from novacron_tui.present.line_edit import LineEdit

_LABEL: Final = 10
_TYPEABLE: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What the hypervisors said to each intent."""

    plans: tuple[Plan, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    @property
    def danger(self) -> Danger:
        """The worst of all plans."""
        found = {plan.danger for plan in self.plans}
        return next((danger for danger in (Danger.TYPE_NAME, Danger.CONFIRM) if danger in found), Danger.NONE)

    @property
    def is_final(self) -> bool:
        """Whether any of it cannot be undone: then No is what enter means."""
        return any(plan.undo is Undo.NEVER for plan in self.plans)

    @property
    def word(self) -> str:
        """What has to be typed before data or service is lost."""
        if len(self.plans) > 1:
            return f"{len(self.plans)} VMs"
        if not self.plans:
            return ""
        shown = SafeText(self.plans[0].subject)
        if shown == self.plans[0].subject and shown.isascii() and 0 < len(shown) <= _TYPEABLE:
            return str(shown).strip()
        # A name nobody can type, or one that imitates another: the UUID cannot be imitated.
        return str(getattr(self.plans[0].intent, "vm", "") or "yes")[:8]


def review_lines(review: Review, width: int, glyphs: Glyphs) -> list[Line]:
    """Say all of it."""
    lines: list[Line] = []
    if len(review.plans) == 1:
        lines += _one(review.plans[0], width, glyphs)
    elif review.plans:
        lines += _several(review.plans, width, glyphs)
    if review.refusals:
        if review.plans:
            lines += [(), (span(" Not done:", Role.WARNING),)]
        for refusal in review.refusals:
            lines += refusal_lines(refusal, width, glyphs)
    return lines


def refusal_lines(refusal: Refusal, width: int, glyphs: Glyphs) -> list[Line]:
    """Say why not, and what would change that."""
    lines = paragraph(f"{glyphs.failed} {refusal.subject}: {refusal.reason}", width - 1, Role.CRITICAL, indent=1)
    if refusal.remedy:
        lines += paragraph(refusal.remedy, width - 1, Role.TEXT, indent=3)
    return lines


def button_line(*, yes_first: bool, on_yes: bool) -> Line:
    """Draw No and Yes; the one that enter means is lit."""
    no = span("  No  ", Role.CURSOR_TEXT if not on_yes else Role.DIM)
    yes = span("  Yes  ", Role.CURSOR_TEXT if on_yes else Role.DIM)
    pair = (yes, span("   "), no) if yes_first else (no, span("   "), yes)
    keys = (span("      y", Role.KEY), span(" yes  ", Role.DIM), span("n", Role.KEY), span(" no", Role.DIM))
    return (span("   "), *pair, *keys)


def typed_lines(word: str, typed: LineEdit, width: int) -> list[Line]:
    """Ask for the word, and say when it is there."""
    ready = typed.text.strip() == word
    hint = "enter does it, esc leaves it" if ready else "esc leaves it"
    return [
        line(span(" Type "), span(word, Role.KEY), span(" to go on:")),
        (span(" "), *typed.spans(width - 4, active=True)),
        (span(f" {hint}", Role.DIM),),
    ]


def _one(plan: Plan, width: int, glyphs: Glyphs) -> list[Line]:
    lines = paragraph(plan.title, width - 1, Role.STRONG, indent=1)
    lines.append(())
    if len(plan.steps) > 1:
        lines += _block("Steps", [f"{at}. {step.title}" for at, step in enumerate(plan.steps, 1)], width)
    lines += _block("Touches", _touched(plan), width)
    for warning in plan.warnings:
        lines += paragraph(f"{glyphs.attention} {warning}", width - 1, Role.WARNING, indent=1)
    lines += _block("Undo", [_undo(plan)], width, Role.CRITICAL if plan.undo is Undo.NEVER else Role.TEXT)
    return lines


def _several(plans: Sequence[Plan], width: int, glyphs: Glyphs) -> list[Line]:
    verb = plans[0].intent.kind.replace("-", " ")
    lines: list[Line] = [(span(f" {verb} {len(plans)} VMs", Role.STRONG), span(":", Role.STRONG)), ()]
    for plan in plans:
        for at, touched in enumerate(_touched(plan)):
            lines += paragraph(touched, width - 3, Role.TEXT if at == 0 else Role.DIM, indent=1 if at == 0 else 5)
    lines.append(())
    for warning in dict.fromkeys(warning for plan in plans for warning in plan.warnings):
        lines += paragraph(f"{glyphs.attention} {warning}", width - 1, Role.WARNING, indent=1)
    final = next((plan for plan in plans if plan.undo is Undo.NEVER), None)
    worst = final or plans[0]
    lines += _block("Undo", [_undo(worst)], width, Role.CRITICAL if final else Role.TEXT)
    return lines


def _touched(plan: Plan) -> list[str]:
    """Name what is touched; a VM also by the beginning of its UUID, since names can look alike."""
    vm = getattr(plan.intent, "vm", None)
    touches = list(plan.touches)
    if vm and touches and vm[:8] not in touches[0]:
        touches[0] = f"{touches[0]}  {vm[:8]}"
    return touches


def _undo(plan: Plan) -> str:
    if plan.undo is Undo.NEVER:
        return f"{plan.undo}; {plan.undo_how}" if plan.undo_how else str(plan.undo)
    return plan.undo_how or str(plan.undo)


def _block(label: str, texts: Sequence[str], width: int, role: Role = Role.TEXT) -> list[Line]:
    lines: list[Line] = []
    for text in texts:
        for part in paragraph(text, width - _LABEL - 2, role):
            head: Span = span(f" {label:<{_LABEL}}" if not lines else " " * (_LABEL + 1), Role.DIM)
            lines.append((head, *part[1:]))
    return lines
