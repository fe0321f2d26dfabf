"""One lab for the whole run, healed after each test, taken down at the end.

A machine that should be able to run it and cannot fails the tests; one whose kernel or owner refuses namespaces skips
them and says so in the run's last lines, unless NOVACRON_LAB_REQUIRED is set.
"""

import json
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

import pytest

from novacron.lab.build import down, up
from novacron.lab.definitions import VmDefinition
from novacron.lab.errors import LabUnavailable
from novacron.lab.faults import active_faults, mend_all
from novacron.lab.lab import Lab
from novacron.lab.layout import Layout, find_layout
from novacron.lab.processes import ProcessMark, is_alive, mark_process
from novacron.lab.vms import define_vm, remove_vm

_PREFIX = "nc-lab-"
_unavailable: list[str] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say out loud that the lab was not there."""
    for reason in _unavailable:
        terminalreporter.section("LAB NOT RUN", red=True, bold=True)
        terminalreporter.line(reason)


@pytest.fixture(scope="session")
def lab_folder() -> Iterator[Path]:
    """A short folder for labs of this run (unix socket paths are short); labs of runs that were killed go first."""
    for stale in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        _sweep(stale)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    mark = mark_process(os.getpid())
    assert mark is not None
    (folder / "owner.json").write_text(json.dumps(asdict(mark)))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def lab(lab_folder: Path) -> Iterator[Lab]:
    """Three hypervisors without VMs."""
    layout = lab_layout(lab_folder)
    try:
        running = up(layout, hosts=3, vms=0, say=print)
    except LabUnavailable as refusal:
        if os.environ.get("NOVACRON_LAB_REQUIRED"):
            raise
        _unavailable.append(str(refusal))
        pytest.skip(f"this machine cannot run the lab: {refusal}")
    yield running
    down(layout)


@pytest.fixture(autouse=True)
def _healed(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave no fault behind."""
    yield
    if "lab" in request.fixturenames:
        running: Lab = request.getfixturevalue("lab")
        if active_faults(running):
            mend_all(running)


class MakeVm(Protocol):
    """Define a VM of the tiny guest, start it, and return its UUID. It is removed at the end of the test."""

    def __call__(
        self,
        host: str,
        name: str,
        *,
        storage: str = "shared",
        dirty: int = 0,
        memory_mib: int = 128,
        start: bool = True,
        cmdline: str = "",
    ) -> str: ...


@pytest.fixture
def make_vm(lab: Lab) -> Iterator[MakeVm]:
    """Make VMs that are gone after the test, wherever they are by then."""
    made: list[str] = []

    def make(
        host: str,
        name: str,
        *,
        storage: str = "shared",
        dirty: int = 0,
        memory_mib: int = 128,
        start: bool = True,
        cmdline: str = "",
    ) -> str:
        made.append(name)
        vm = VmDefinition(
            name=name,
            domain_type=lab.domain_type,
            dirty_mib_s=dirty,
            memory_mib=memory_mib,
            cmdline=cmdline,
        )
        vm_id = define_vm(lab, host, vm, storage=storage)
        if start:
            lab.virsh(host, "start", name)
        return vm_id

    yield make
    # A frozen libvirtd would keep its VMs for ever.
    if active_faults(lab):
        mend_all(lab)
    for name in made:
        remove_vm(lab, name)


def lab_layout(folder: Path) -> Layout:
    """Return the layout of a lab of its own in `folder`."""
    env = {**os.environ, "NOVACRON_LAB_DIR": str(folder)}
    return find_layout(f"t{uuid.uuid4().hex[:6]}", env)


def eventually(what: Callable[[], bool], *, timeout_s: float = 60.0) -> bool:
    """Return whether something real becomes true in time."""
    deadline = time.monotonic() + timeout_s
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _sweep(folder: Path) -> None:
    try:
        owner = ProcessMark(**json.loads((folder / "owner.json").read_text()))
    except (OSError, ValueError, TypeError):
        return
    if is_alive(owner):
        return
    for state in folder.iterdir():
        if state.is_dir():
            down(find_layout(state.name, {**os.environ, "NOVACRON_LAB_DIR": str(folder)}))
    shutil.rmtree(folder, ignore_errors=True)
