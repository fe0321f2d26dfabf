"""The backend's log is bounded, whoever writes into it, and one line an event with its fields."""

import os
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import logging, os, sys
from pathlib import Path
from novacron.runtime import logs
logs._MOST_BYTES = 10_000
log = logs.log_to(Path(sys.argv[1]))
for number in range(400):
    if sys.argv[2] == "printed":
        os.write(2, b"x" * 99 + b"\\n")
        os.write(1, b"y" * 99 + b"\\n")
        log.bound()
    else:
        logging.getLogger("novacron").info("x" * int(sys.argv[3]))
"""


def _sizes(path: Path, *arguments: str) -> list[int]:
    with path.open("ab") as output:
        subprocess.run([sys.executable, "-c", _PROGRAM, path, *arguments], check=True, stdout=output, stderr=output)
        # A file that was deleted and is still written to has a size that no listing shows.
        held = os.fstat(output.fileno()).st_size
    return [held, *(one.stat().st_size for one in path.parent.iterdir())]


def test_what_is_logged_is_kept_in_two_files_of_bounded_size(tmp_path: Path) -> None:
    sizes = _sizes(tmp_path / "backend.log", "logged", "300")
    assert len(sizes) == 3
    assert max(sizes) <= 10_000


def test_what_libraries_print_is_bounded_as_well(tmp_path: Path) -> None:
    sizes = _sizes(tmp_path / "backend.log", "printed")
    assert len(sizes) == 3
    assert max(sizes) <= 10_200


def test_one_line_of_any_length_is_cut(tmp_path: Path) -> None:
    assert max(_sizes(tmp_path / "backend.log", "logged", "5000000")) <= 70_000


_FIELDS = """
import logging, sys
from pathlib import Path
from novacron.runtime import logs
logs.log_to(Path(sys.argv[1]))
logging.getLogger("novacron.libvirt").info("connected", extra={"host": "kvm 1", "took_s": 0.25})
"""


def test_the_fields_of_an_event_are_in_its_line(tmp_path: Path) -> None:
    path = tmp_path / "backend.log"
    subprocess.run([sys.executable, "-c", _FIELDS, path], check=True)
    (line,) = path.read_text().splitlines()
    assert "logger=novacron.libvirt event=connected" in line
    assert 'host="kvm 1" took_s=0.25' in line


_EVENTS = """
import logging, sys
from pathlib import Path
from novacron.engine.log import log
from novacron.runtime.logs import log_to
log_to(Path(sys.argv[1]))
log("operation accepted", operation="op-1", caller="alice", cause="", title="a b\\x1b[2J")
try:
    raise KeyError("vm")
except KeyError as error:
    log("step failed", level=logging.ERROR, error=error, step="start")
"""


def test_an_event_is_one_line_with_its_fields_and_a_fault_has_its_traceback(tmp_path: Path) -> None:
    path = tmp_path / "backend.log"
    subprocess.run([sys.executable, "-c", _EVENTS, path], check=True)
    accepted, failed, *more = path.read_text().splitlines()
    assert 'event="operation accepted"' in accepted
    assert "operation=op-1 caller=alice" in accepted
    assert "logger=novacron.engine" in accepted
    assert "cause=" not in accepted
    assert "\x1b" not in accepted
    assert "level=error" in failed
    assert "step=start" in failed
    assert "Traceback" in failed + "".join(more)
    assert "KeyError" in failed + "".join(more)
