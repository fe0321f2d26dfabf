"""What Textual itself draws, in the palette's colours."""

from textual.theme import Theme

from novacron_tui.palette import Palette, Surface
from novacron_tui.present.cells import Role


def textual_theme(palette: Palette) -> Theme:
    """Return the few colours that boxes, which Textual draws, take from the palette."""
    surface = palette.surfaces
    return Theme(
        name=palette.name,
        dark=palette.is_dark,
        primary=surface[Surface.BORDER],
        foreground=palette.roles[Role.TEXT],
        background=surface[Surface.BASE],
        surface=surface[Surface.BOX],
        panel=surface[Surface.BAR],
    )
