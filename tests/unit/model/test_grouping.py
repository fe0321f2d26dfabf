"""Operations of a batch stand below it, and do not flood a list."""

from dataclasses import replace

from novacron.model.operation import OperationState, Progress
from novacron.model.operations.batch import Batch
from novacron.model.operations.grouping import grouped
from novacron.model.work.wait import Wait
from tests.operation_builders import an_operation

BATCH = an_operation(9, intent=Batch(size=3), title="start 3 VMs")
DONE, FAILED, RUNNING = (
    replace(an_operation(number, state=state), parent=BATCH.id)
    for number, state in ((1, OperationState.DONE), (2, OperationState.FAILED), (3, OperationState.RUNNING))
)
OTHER = an_operation(5)


WAITING = replace(
    an_operation(4, state=OperationState.ACCEPTED), parent=BATCH.id, progress=Progress(queued=Wait(reason="its turn"))
)


def test_of_a_batch_those_under_way_or_failed_stand_below_it_and_the_rest_is_counted_by_it():
    listed = (WAITING, RUNNING, FAILED, OTHER, DONE, BATCH)
    assert grouped(listed) == ((OTHER, False), (BATCH, False), (RUNNING, True), (FAILED, True))


def test_all_of_a_batch_stand_below_it_where_they_are_asked_for():
    whole = ((BATCH, False), (RUNNING, True), (DONE, True))
    assert grouped((RUNNING, DONE, BATCH), with_all=True) == whole
    assert grouped((RUNNING, DONE, BATCH), opened={BATCH.id}) == whole


def test_an_operation_whose_batch_is_not_listed_stands_by_itself():
    assert grouped((RUNNING, DONE)) == ((RUNNING, False), (DONE, False))
