"""A running backend on a small simulated site."""

from collections.abc import AsyncIterator

import pytest

from tests.engine.site import Site, a_site


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """Three hosts that share a store; not started, so that a test can add its VMs first."""
    made = a_site()
    yield made
    await made.kill()
