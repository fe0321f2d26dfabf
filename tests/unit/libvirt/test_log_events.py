"""What the adapter logs: one event a line, its fields beside it, and the traceback of what nobody foresaw."""

import logging
import threading
from typing import Any

import pytest

from novacron.adapters.libvirt.gateway import LibvirtGateway
from novacron.adapters.libvirt.hypervisor import LibvirtHypervisor
from novacron.model.errors import DeadlineExceeded, OperationError
from novacron.model.host import HostSpec
from tests.builders import an_id
from tests.fake_clock import FakeClock
from tests.unit.libvirt.test_built_in_driver import S


def _events(caplog: pytest.LogCaptureFixture, message: str) -> list[Any]:
    return [record for record in caplog.records if record.message == message]


@pytest.fixture(autouse=True)
def _at_info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "novacron")


async def test_a_connection_is_logged_with_its_host(
    node: HostSpec, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    hypervisor = await LibvirtGateway(clock).connect(node, deadline_s=S)
    await hypervisor.close()
    (connected,) = _events(caplog, "connected")
    assert (connected.host, connected.levelno) == ("kvm-1", logging.INFO)


async def test_a_deadline_is_logged_with_the_call_that_it_ended(
    host: LibvirtHypervisor, caplog: pytest.LogCaptureFixture
) -> None:
    let_go = threading.Event()
    with pytest.raises(DeadlineExceeded):
        await host.channel.call("waiting", lambda _: let_go.wait(), deadline_s=0.05)
    let_go.set()
    (ended,) = _events(caplog, "deadline ended the connection")
    assert (ended.host, ended.call, ended.deadline_s, ended.levelno) == ("kvm-1", "waiting", 0.05, logging.WARNING)


async def test_a_refused_change_is_logged_and_a_refused_look_is_not(
    host: LibvirtHypervisor, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(OperationError):
        await host.reader.definition(an_id("nobody"), deadline_s=S)
    assert not _events(caplog, "call failed")
    with pytest.raises(OperationError):
        await host.power.start(an_id("web-1"), deadline_s=S)
    (failed,) = _events(caplog, "call failed")
    assert (failed.host, failed.call, failed.fault) == ("kvm-1", "starting it", "OperationError")
    assert "already" in failed.detail


async def test_what_nobody_foresaw_is_logged_with_its_traceback(
    host: LibvirtHypervisor, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await host.channel.call("dividing", fail, deadline_s=S)
    (unforeseen,) = _events(caplog, "unforeseen error in a call")
    assert (unforeseen.call, unforeseen.levelno) == ("dividing", logging.ERROR)
    assert "in fail" in caplog.text
