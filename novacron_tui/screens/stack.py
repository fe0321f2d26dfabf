"""What can be said of any screen by where it is on the app's stack."""

from typing import Any

from textual.screen import Screen


def is_on_top(screen: Screen[Any]) -> bool:
    """Whether keys are meant for this screen."""
    stack = screen.app.screen_stack
    return bool(stack) and stack[-1] is screen


def stands(screen: Screen[Any]) -> bool:
    """Whether its widgets are there to draw on: not yet while it is mounted, no more once the console ends."""
    return screen.is_mounted and screen.is_attached and screen.app.is_running
