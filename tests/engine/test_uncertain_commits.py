"""Commits whose answer is lost: what the journal has is carried out once, and nobody is told otherwise."""

from collections.abc import Mapping, Sequence

from novacron.model.errors import JournalError, JournalUncertain
from novacron.model.ids import OperationId
from novacron.model.operation import OperationState
from novacron.model.operations.power import StartVm
from novacron.model.vm import VmState
from novacron.model.work.event import Event
from tests.engine.site import A, a_site
from tests.memory_journal import MemoryJournal


class LosingJournal(MemoryJournal):
    """Loses the answer to the first commit, and gives it when it is asked again."""

    def __init__(self) -> None:
        super().__init__()
        self._commits = 0

    async def append(self, events: Sequence[Event], *, epoch: int = 0) -> Mapping[OperationId, JournalError]:
        """Write; the first time, say that it cannot be told whether it was written."""
        self._commits += 1
        if self._commits == 2:
            return {}
        answer = await super().append(events, epoch=epoch)
        if self._commits == 1:
            raise JournalUncertain("journal", "the connection broke during the commit", "look at the journal")
        return answer


async def test_a_request_whose_commit_was_not_answered_is_accepted_and_carried_out() -> None:
    journal = LosingJournal()
    site = a_site(journal=journal)
    vm = site.add(state=VmState.SHUT_OFF)
    await site.start()
    ended = await site.do(StartVm(vm=vm, host=A))
    assert ended.state is OperationState.DONE
    assert await site.operation(ended.id) == journal.operations[ended.id]
    await site.kill()
