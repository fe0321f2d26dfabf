"""How roles look: palettes read from themes/*.toml, and the one without colour.

Loads no Textual. A palette that cannot be read is a ConfigError naming file and key, never a crash in mid-paint.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from rich.errors import StyleSyntaxError
from rich.style import Style

from novacron.model.errors import ConfigError
from novacron.text_file import parse_toml, read_text
from novacron_tui.present.cells import Role

DEFAULT: Final = "nova-night"
_PACKAGED: Final = Path(__file__).parent / "themes"
_IN_SOURCE_TREE: Final = Path(__file__).parent.parent / "themes"


class Surface(StrEnum):
    """What is behind the text."""

    BASE = "base"
    BAR = "bar"
    CURSOR = "cursor"
    SELECTED = "selected"
    BOX = "box"
    BORDER = "border"


@dataclass(frozen=True, kw_only=True)
class Palette:
    """A look for every role on every surface."""

    name: str
    is_dark: bool = True
    has_colour: bool = True
    surfaces: Mapping[Surface, str]
    roles: Mapping[Role, str]
    _styles: dict[tuple[Role, Surface], Style] = field(default_factory=dict)

    def style(self, role: Role, surface: Surface = Surface.BASE) -> Style:
        """Return the look of a role on a surface."""
        key = (role, surface)
        style = self._styles.get(key)
        if style is None:
            style = self._styles[key] = self._make(role, surface)
        return style

    def _make(self, role: Role, surface: Surface) -> Style:
        if self.has_colour:
            return Style.parse(f"{self.roles[role]} on {self.surfaces[surface]}")
        wanted = self.roles[role]
        if surface is Surface.CURSOR:
            wanted = wanted.replace("dim", "").replace("reverse", "") + " reverse"
        if surface is Surface.SELECTED:
            wanted += " underline"
        return Style.parse(wanted.strip() or "none")


def load_palette(name: str | None = None, *, colour: bool = True) -> Palette:
    """Return the palette of that name, or from that .toml file; the dark one when none is named.

    Raises:
        ConfigError: there is none of that name, or its file is wrong.
    """
    if not colour:
        return _MONOCHROME
    wanted = name or DEFAULT
    if wanted.endswith(".toml"):
        return _read(Path(wanted).expanduser())
    for path in _files():
        if path.stem == wanted:
            return _read(path)
    names = ", ".join(palette_names())
    raise ConfigError(wanted, "there is no theme of this name", f"choose one of: {names}; or name a .toml file")


def palette_names() -> tuple[str, ...]:
    """Return the names of the palettes that came with the console."""
    return tuple(sorted(path.stem for path in _files()))


def _files() -> Iterator[Path]:
    # The wheel carries themes/ inside the package; a source tree has it beside.
    folder = _PACKAGED if _PACKAGED.is_dir() else _IN_SOURCE_TREE
    return folder.glob("*.toml")


def _read(path: Path) -> Palette:
    try:
        content = parse_toml(path, read_text(path))
        palette = Palette(
            name=str(content["name"]),
            is_dark=bool(content["dark"]),
            surfaces={surface: str(content["surfaces"][surface.value]) for surface in Surface},
            roles={role: str(content["roles"][role.value]) for role in Role},
        )
        for role in Role:
            for surface in Surface:
                palette.style(role, surface)
    except FileNotFoundError as error:
        raise ConfigError(str(path), "there is no such theme file", "check its name") from error
    except TypeError as error:
        raise ConfigError(str(path), f"this theme cannot be read: {error}", "see themes/nova-night.toml") from error
    except KeyError as error:
        raise ConfigError(str(path), f"this theme lacks {error}", "see themes/nova-night.toml") from error
    except StyleSyntaxError as error:
        raise ConfigError(str(path), f"this theme has a wrong colour: {error}") from error
    return palette


_BOLD: Final = frozenset(
    {Role.STRONG, Role.TITLE, Role.KEY, Role.COLUMN, Role.CRITICAL, Role.CRASHED, Role.WARNING, Role.PAUSED}
)
_FAINT: Final = frozenset({Role.DIM, Role.OFF, Role.BAR_REST})
_MONOCHROME: Final = Palette(
    name="monochrome",
    has_colour=False,
    surfaces=dict.fromkeys(Surface, "default"),
    roles={
        role: "bold"
        if role in _BOLD
        else "dim"
        if role in _FAINT
        else "reverse"
        if role in {Role.CURSOR_TEXT, Role.TAB}
        else "italic"
        if role is Role.UNKNOWN
        else ""
        for role in Role
    },
)
"""For NO_COLOR: weight and shape alone, and the terminal's own two colours."""
