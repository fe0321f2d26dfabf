"""The screen as an SVG that looks alike in every viewer: each run of text is put on the grid by itself.

Textual's own export leans on a font from a CDN and on non-breaking blanks, which viewers treat in different ways.
"""

from collections.abc import Iterator
from html import escape

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from novacron_tui.app import NovaCronApp

_CELL = 8.4
_LINE = 18.0
_MARGIN = 10.0
_FONT = "'DejaVu Sans Mono','Menlo','Consolas','Liberation Mono',monospace"
_FRONT = "#c9d3e3"
_BACK = "#11141b"


def svg_of(app: NovaCronApp) -> str:
    """Draw what is on the screen now, dialogs included."""
    update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens, simplify=True)
    strips = [Strip.join(chops) for chops in update.strips]
    width = app.size.width * _CELL + 2 * _MARGIN
    height = app.size.height * _LINE + 2 * _MARGIN
    back = app.palette.surfaces["base"]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'font-family="{_FONT}" font-size="14" xml:space="preserve">',
        f'<rect width="100%" height="100%" rx="8" fill="{back if back != "default" else _BACK}"/>',
    ]
    for row, strip in enumerate(strips):
        parts += _line(strip, _MARGIN + row * _LINE)
    return "\n".join([*parts, "</svg>", ""])


def _line(strip: Strip, top: float) -> Iterator[str]:
    column = 0
    for text, style, control in strip:
        if control:
            continue
        front, back = _colours(style)
        left = _MARGIN + column * _CELL
        width = cell_len(text)
        if back != _BACK:
            yield f'<rect x="{left:g}" y="{top:g}" width="{width * _CELL:g}" height="{_LINE:g}" fill="{back}"/>'
        for offset, run in _runs(text):
            at = _MARGIN + (column + offset) * _CELL
            length = cell_len(run) * _CELL
            yield (
                f'<text x="{at:g}" y="{top + 13.5:g}" fill="{front}"{_weight(style)} '
                f'textLength="{length:g}" lengthAdjust="spacingAndGlyphs">{escape(run)}</text>'
            )
        column += width


def _runs(text: str) -> Iterator[tuple[int, str]]:
    """Yield words of ASCII, and every other character by itself, with the cell each begins at."""
    word, start, at = "", 0, 0
    for character in text + " ":
        plain = character.isascii() and character != " "
        if word and not plain:
            yield start, word
            word = ""
        if plain:
            start = start if word else at
            word += character
        elif character.strip() and character != "\u2800":
            yield at, character
        at += cell_len(character)


def _colours(style: Style | None) -> tuple[str, str]:
    front = _hex(style, "color") or _FRONT
    back = _hex(style, "bgcolor") or _BACK
    return (back, front) if style is not None and style.reverse else (front, back)


def _hex(style: Style | None, which: str) -> str:
    colour = getattr(style, which, None)
    return colour.get_truecolor().hex if colour is not None and not colour.is_default else ""


def _weight(style: Style | None) -> str:
    if style is None:
        return ""
    return (' font-weight="bold"' if style.bold else "") + (' font-style="italic"' if style.italic else "")
