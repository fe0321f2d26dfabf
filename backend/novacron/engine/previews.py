"""What was previewed lately, so that a refusal can say what has changed since."""

from collections import OrderedDict
from typing import Final

from novacron.model.plan.plan import Plan, basis_difference

_REMEMBERED: Final = 2000
"""Previews, of some hundred bytes each: several screens full of selections."""


class Previews:
    """The bases of the latest plans that were shown, by digest."""

    def __init__(self) -> None:
        self._bases: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    def remember(self, plan: Plan) -> None:
        """Keep what this plan rests on, for as long as it is among the latest."""
        self._bases[plan.digest] = plan.basis
        self._bases.move_to_end(plan.digest)
        while len(self._bases) > _REMEMBERED:
            self._bases.popitem(last=False)

    def difference(self, confirmed: str, now: Plan) -> str:
        """Say what differs between the plan of the digest that was confirmed, and the plan as it would be now."""
        basis = self._bases.get(confirmed)
        if basis is None:
            return f"that plan is not known; now {'; '.join(now.basis) or now.title}"
        return basis_difference(basis, now.basis)
