"""scripts/demo on a fresh checkout of a machine that can run the lab."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from novacron.lab.build import down
from novacron.lab.lab import Lab
from novacron.lab.layout import find_layout
from tests.checkout_copy import CheckoutCopy, checkout_copy

pytestmark = pytest.mark.lab

_NAME = "demo"
_PATIENCE_S = 300.0


@pytest.fixture
def checkout(lab: Lab, lab_folder: Path) -> Iterator[CheckoutCopy]:
    """A checkout with a lab of its own, which is taken down; that this machine can run one is known by `lab`."""
    variables = {"NOVACRON_LAB_DIR": str(lab_folder), "NOVACRON_LAB": _NAME}
    with checkout_copy(**variables) as copy:
        layout = find_layout(_NAME, copy.env)
        try:
            yield copy
        finally:
            for options in (["--fleet", str(layout.fleet_toml)], ["--simulated"]):
                copy.run(".venv/bin/novacron", *options, "detach", "--stop")
            down(layout)


def _try_out(checkout: CheckoutCopy, vm: str) -> str:
    """Run the demo until this VM and one that runs are on the screen, leave, and return all it said."""
    demo = checkout.terminal("scripts/demo")
    try:
        demo.wait_for(lambda text: vm in text and "● running" in text, timeout_s=_PATIENCE_S)
        demo.wait_for("q detach", timeout_s=_PATIENCE_S)
        demo.press("q")
        demo.wait_for("detached: the backend goes on", timeout_s=_PATIENCE_S)
        assert demo.wait(_PATIENCE_S) == 0
    finally:
        demo.close()
    return demo.sent.decode(errors="replace")


def test_the_demo_brings_the_lab_up_once_and_opens_the_console_on_it(checkout: CheckoutCopy) -> None:
    first = _try_out(checkout, "web-1")
    assert "demo: the fleet is the lab: real hypervisors on this machine" in first
    assert "setup: installing the Python parts" in first
    asked = checkout.pip_was_asked
    running = Lab.find(find_layout(_NAME, checkout.env))
    assert running is not None, "the lab does not outlive the console"
    names = {name for host in running.hosts for name in running.virsh(host, "list", "--name").split()}
    assert {"web-1", "db-1"} <= names, "what was shown runs on no hypervisor"
    second = _try_out(checkout, "web-1")
    assert "setup:" not in second
    assert checkout.pip_was_asked == asked, "it installed again"
    again = Lab.find(find_layout(_NAME, checkout.env))
    assert again is not None
    assert again.record.outer == running.record.outer, "the lab was made anew"


def test_where_the_lab_cannot_run_the_demo_says_why_and_shows_a_simulated_fleet(checkout: CheckoutCopy) -> None:
    checkout.env["NOVACRON_LAB_DIR"] = str(checkout.folder / "so-long-a-name-that-no-socket-fits" / ("x" * 60))
    said = _try_out(checkout, "build-mirror")
    assert "is too long for a unix socket" in said
    assert "set NOVACRON_LAB_DIR to a shorter folder" in said
    assert "demo: the fleet is simulated: this machine cannot run the lab, see above" in said
