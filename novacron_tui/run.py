"""The way into the console for the command line."""

from novacron.ports.console import Console


def run(console: Console, *, theme: str | None = None, title: str = "", mouse: bool = True) -> None:
    """Run the console on this terminal until the operator detaches; the backend goes on.

    Raises:
        ConfigError: the theme cannot be used.
    """
    # Textual costs 0.15 s: whoever only asks for --help must not pay it.
    from novacron_tui.app import NovaCronApp

    NovaCronApp(console, theme=theme, title=title).run(mouse=mouse)
