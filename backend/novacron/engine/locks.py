"""Who holds what while operations run.

All or nothing, in one synchronous step: nobody ever waits for a lock, so no order of taking can deadlock.
"""

from novacron.model.operation import Operation
from novacron.model.plan.claims import Claims
from novacron.model.refusal import Refusal, RefusalCode


class Locks:
    """The claims of every operation under way. One writer: the executor."""

    def __init__(self) -> None:
        self._held: list[tuple[Claims, Operation]] = []

    def refuse(self, claims: Claims, subject: str) -> Refusal | None:
        """Say which operation is in the way of these claims, or None."""
        for other, holder in self._held:
            if claims.holds & (other.holds | other.uses) or claims.uses & other.holds:
                return Refusal(
                    code=RefusalCode.LOCKED,
                    subject=subject,
                    reason=f'"{holder.title}" holds it (operation {holder.id}, by {holder.actor or "unknown"})',
                    remedy="wait until it has ended, or cancel it",
                )
        return None

    def take(self, claims: Claims, operation: Operation) -> Refusal | None:
        """Take all of it, or say which operation is in the way."""
        refusal = self.refuse(claims, operation.subject)
        if refusal is None:
            self._held.append((claims, operation))
        return refusal

    def hold(self, claims: Claims, operation: Operation) -> None:
        """Hold all of it beside whoever holds the same: for operations that ran together before a restart.

        What they need is claimed more broadly then than when they were accepted, so that some overlap.
        """
        self._held.append((claims, operation))

    def change(self, claims: Claims, operation: Operation) -> Refusal | None:
        """Hold these claims instead of those the operation holds, or say which operation is in the way of it."""
        self.release(operation)
        return self.take(claims, operation)

    def release(self, operation: Operation) -> None:
        """Let go of everything this operation holds."""
        self._held = [entry for entry in self._held if entry[1].id != operation.id]
