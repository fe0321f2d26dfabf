"""Lists of operations in which those of a batch stand below it, and do not flood the others."""

from collections.abc import Collection, Iterable

from novacron.model.ids import OperationId
from novacron.model.operation import Operation, OperationState

_WELL = frozenset({OperationState.DONE, OperationState.CANCELLED})


def grouped(
    operations: Iterable[Operation], *, with_all: bool = False, opened: Collection[OperationId] = ()
) -> tuple[tuple[Operation, bool], ...]:
    """Return operations, each with whether it stands below its parent.

    A batch keeps its place, and its operations come right after it: those under way and those that did not go well;
    `with_all`, or where the batch is among `opened`, also those that wait or ended well, which the batch counts. One
    whose parent is not listed stands by itself.
    """
    listed = tuple(operations)
    known = {one.id for one in listed}
    below: dict[OperationId, list[Operation]] = {}
    for one in listed:
        if one.parent in known and one.parent is not None:
            below.setdefault(one.parent, []).append(one)
    rows: list[tuple[Operation, bool]] = []
    for one in listed:
        if one.parent in known:
            continue
        rows.append((one, False))
        shown = with_all or one.id in opened
        rows += [(child, True) for child in below.get(one.id, ()) if shown or _stands_out(child)]
    return tuple(rows)


def _stands_out(child: Operation) -> bool:
    return not child.is_waiting and child.state not in _WELL
