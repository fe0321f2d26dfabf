"""Runs the console for the command line."""

from novacron.model.caller import Caller
from novacron.ports.backend import Backend


def run(
    backend: Backend, caller: Caller, *, theme: str | None = None, title: str = "", mouse: bool = True
) -> int | None:
    """Run the console on this terminal until the operator detaches; the backend goes on.

    Return how many operations were under way then; None when the console ended by a fault of its own.

    Raises:
        ConfigError: the theme cannot be used.
    """
    # Textual costs 0.15 s: whoever only asks for --help must not pay it.
    from novacron_tui.app import NovaCronApp

    app = NovaCronApp(backend, caller=caller, theme=theme, title=title)
    app.run(mouse=mouse)
    return None if app.return_code else app.state.under_way
