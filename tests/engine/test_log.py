"""What the engine writes into the log: one line an event, with who and what it is about, and nothing secret."""

import logging
from collections.abc import Iterator

import pytest

from tests.builders import an_id
from tests.callers import BOB
from tests.engine.site import A, Site

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
