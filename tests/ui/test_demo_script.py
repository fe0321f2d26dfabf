"""scripts/demo on a fresh checkout, without a hypervisor: what it says, what it opens, and what a second run saves."""

from collections.abc import Iterator

import pytest

from tests.checkout_copy import CheckoutCopy, checkout_copy

_PATIENCE_S = 180.0


@pytest.fixture
def checkout() -> Iterator[CheckoutCopy]:
    """A checkout that nobody has set up yet; its backend is ended."""
    with checkout_copy() as copy:
        yield copy
        copy.run(".venv/bin/novacron", "--simulated", "detach", "--stop")


def _try_out(checkout: CheckoutCopy, *arguments: str) -> str:
    """Run the demo until its first rows are on the screen, leave, and return all it said."""
    demo = checkout.terminal("scripts/demo", *arguments)
    try:
        demo.wait_for("● running", timeout_s=_PATIENCE_S)
        demo.wait_for("q detach", timeout_s=_PATIENCE_S)
        demo.press("q")
        demo.wait_for("detached: the backend goes on", timeout_s=_PATIENCE_S)
        assert demo.wait(_PATIENCE_S) == 0
    finally:
        demo.close()
    return demo.sent.decode(errors="replace")


def test_the_simulated_demo_installs_once_says_which_fleet_and_opens_the_console(checkout: CheckoutCopy) -> None:
    first = _try_out(checkout, "--simulated")
    assert "demo: the fleet is simulated: as asked" in first
    assert "setup: installing the Python parts" in first
    assert any("--editable ." in asked for asked in checkout.pip_was_asked)
    asked = checkout.pip_was_asked
    second = _try_out(checkout, "--simulated")
    assert "demo: the fleet is simulated: as asked" in second
    assert "setup:" not in second
    assert checkout.pip_was_asked == asked, "it installed again"


def test_a_word_the_demo_does_not_know_is_refused_before_anything_is_done(checkout: CheckoutCopy) -> None:
    done = checkout.run("scripts/demo", "--real")
    assert done.returncode == 2
    assert "usage: scripts/demo" in done.stderr
    assert not checkout.pip_was_asked
