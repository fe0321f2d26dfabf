"""Backends that commands start, in folders of the test's own."""

import os
import signal
from collections.abc import Iterator

import pytest

from novacron.runtime import is_answering
from tests.support.backend_folder import BackendFolder, fresh_backend_folder, until


@pytest.fixture
def backend_folder() -> Iterator[BackendFolder]:
    """Give folders of the test's own, in which no backend runs."""
    with fresh_backend_folder() as made:
        yield made


@pytest.fixture(scope="module")
def orphaned() -> Iterator[BackendFolder]:
    """Give folders whose backend was started by a command, with all of whose session was then killed."""
    with fresh_backend_folder() as made:
        starter = made.start("vms")
        until(lambda: is_answering(made.paths.socket))
        os.killpg(starter.pid, signal.SIGKILL)
        starter.communicate()
        yield made
