"""What a command takes for the fleet."""

import pytest

from novacron.cli.session import settled_fleet
from novacron.model.errors import BackendError, ExitCode
from novacron.model.link import LinkStatus
from novacron.ports.backend import BackendLost, FleetChanged
from tests.builders import NOW, a_fleet, a_host
from tests.unit.cli.scripted_backend import ScriptedBackend


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch):
    monkeypatch.setattr("novacron.cli.session._SETTLE_S", 0.05)


@pytest.mark.parametrize(
    ("said", "cause"),
    [([], "it does not answer"), ([BackendLost(since=NOW, cause="the connection broke")], "the connection broke")],
)
async def test_a_backend_that_says_nothing_is_an_error_and_no_empty_fleet(said, cause):
    with pytest.raises(BackendError, match=cause) as caught:
        await settled_fleet(ScriptedBackend(said))
    assert caught.value.exit_code is ExitCode.BACKEND
    assert caught.value.remedy


async def test_a_fleet_whose_hosts_take_too_long_is_taken_as_it_is():
    fleet = a_fleet(a_host("kvm-1", never_read=True, link=LinkStatus.CONNECTING))
    assert await settled_fleet(ScriptedBackend([FleetChanged(fleet=fleet)])) == fleet
