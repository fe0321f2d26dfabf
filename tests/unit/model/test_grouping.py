"""Operations of a batch stand below it, and do not flood a list."""

from dataclasses import replace

from novacron.model.operation import OperationState
from novacron.model.operations.batch import Batch
from novacron.model.operations.grouping import grouped
from tests.operation_builders import an_operation

BATCH = an_operation(9, intent=Batch(size=3), title="start 3 VMs")
DONE, FAILED, RUNNING = (
    replace(an_operation(number, state=state), parent=BATCH.id)
    for number, state in ((1, OperationState.DONE), (2, OperationState.FAILED), (3, OperationState.RUNNING))
)
OTHER = an_operation(5)


def test_of_a_batch_those_that_failed_stand_below_it_and_the_rest_is_counted_by_it():
    assert grouped((RUNNING, FAILED, OTHER, DONE, BATCH)) == ((OTHER, False), (BATCH, False), (FAILED, True))


def test_all_of_a_batch_stand_below_it_where_they_are_asked_for():
    whole = ((BATCH, False), (RUNNING, True), (DONE, True))
    assert grouped((RUNNING, DONE, BATCH), with_all=True) == whole
    assert grouped((RUNNING, DONE, BATCH), opened={BATCH.id}) == whole


def test_an_operation_whose_batch_is_not_listed_stands_by_itself():
    assert grouped((RUNNING, DONE)) == ((RUNNING, False), (DONE, False))
