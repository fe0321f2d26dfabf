"""What the engine writes into the log: one line an event, with who and what it is about, and nothing secret."""

import logging
from collections.abc import Iterator

import pytest

from novacron.model.link import LinkStatus
from novacron.model.operations.power import ShutdownVm, StartVm
from novacron.model.vm import VmState
from tests.builders import an_id
from tests.callers import BOB
from tests.engine.site import A, B, Site

VM = an_id("web-1")
_OF_EVERY_RECORD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


@pytest.fixture(autouse=True)
def _all_levels(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.INFO, logger="novacron"):
        yield


def told(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, str]]:
    """Return the fields of each line of this event."""
    records = [record for record in caplog.records if record.getMessage() == event]
    return [{name: value for name, value in vars(record).items() if name not in _OF_EVERY_RECORD} for record in records]


async def test_who_reads_a_definition_or_opens_a_serial_console_is_in_the_log(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.add()
    await site.start()
    await site.clock.run(site.service.definition(BOB, VM, A))
    link = await site.clock.run(site.service.open_serial(BOB, VM, A, force=True))
    await link.close()
    who = {"vm": VM, "host": A, "caller": "bob", "by": "in process"}
    assert told(caplog, "definition asked for") == [who]
    assert told(caplog, "serial console asked for") == [who | {"forced": "True"}]


async def test_an_operation_is_followed_from_its_acceptance_to_its_end(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.add(state=VmState.SHUT_OFF)
    await site.start()
    done = await site.do(StartVm(vm=VM, host=A))
    named = {"operation": done.id, "kind": "start"}
    assert told(caplog, "operation accepted") == [named | {"subject": "web-1", "caller": "alice", "hosts": A}]
    (step,) = done.steps
    assert told(caplog, "step started") == [named | {"step": step.id}]
    assert told(caplog, "step finished") == [named | {"step": step.id}]
    assert told(caplog, "operation ended") == [named | {"state": "done", "outcome": done.outcome}]


async def test_what_fails_is_a_warning_with_its_step_and_outcome(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.add()
    site.alter(VM, obeys_power_button=False)
    await site.start()
    failed = await site.do(ShutdownVm(vm=VM, host=A, timeout_s=30))
    (ended,) = told(caplog, "operation ended")
    assert (ended["state"], ended["outcome"]) == ("failed", failed.outcome)
    assert [fields["operation"] for fields in told(caplog, "step failed")] == [failed.id]
    (line,) = [record for record in caplog.records if record.getMessage() == "operation ended"]
    assert line.levelno == logging.WARNING


async def test_who_cancels_and_what_is_refused_is_in_the_log(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.add()
    site.alter(VM, obeys_power_button=False)
    await site.start()
    operation = await site.accepted(ShutdownVm(vm=VM, host=A))
    refusal = await site.refused(ShutdownVm(vm=VM, host=A))
    (refused,) = told(caplog, "submission refused")
    assert (refused["caller"], refused["code"], refused["reason"]) == ("alice", refusal.code, refusal.reason)
    await site.clock.run(site.service.cancel(BOB, operation))
    await site.ended(operation)
    assert [fields["caller"] for fields in told(caplog, "cancel asked")] == ["bob"]


async def test_a_host_that_is_lost_and_found_is_two_lines_however_often_it_was_tried(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    await site.start()
    caplog.clear()
    site.world.refuse(B, LinkStatus.UNREACHABLE)
    await site.clock.advance(600)
    lost = told(caplog, "host lost") + told(caplog, "host not connected")
    assert {fields["host"] for fields in lost} == {B}
    assert len(lost) <= 3
    assert all(fields["cause"] for fields in lost)
    site.world.heal(B)
    await site.clock.advance(120)
    (found,) = told(caplog, "host connected")
    assert found["host"] == B
    assert int(found["attempts"]) > 1
