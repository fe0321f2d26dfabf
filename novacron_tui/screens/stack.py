"""Whether a screen is on top, and whether it can be drawn."""

from typing import Any

from textual.screen import Screen


def is_on_top(screen: Screen[Any]) -> bool:
    """Whether keys are meant for this screen."""
    stack = screen.app.screen_stack
    return bool(stack) and stack[-1] is screen


def can_be_drawn(screen: Screen[Any]) -> bool:
    """Whether its widgets are there to draw on: not yet while it is mounted, no more once the console ends."""
    return screen.is_mounted and screen.is_attached and screen.app.is_running
