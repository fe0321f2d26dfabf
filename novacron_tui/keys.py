"""The keys: one table from which bindings, footer, palette and help are made.

Lower-case letters are safe or ask first; what can lose data or service is a shifted letter, reached through the
`x` menu as well, and always asks (PEERS.md 3.8 tells what becomes of consoles that do otherwise).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class KeyScope(StrEnum):
    """On what kind of thing a key acts: the panes, and the screens of one thing."""

    VMS = "VMs"
    HOSTS = "hosts"
    OPERATIONS = "operations"
    STORAGE = "storage"
    ALERTS = "alerts"
    VM = "one VM"
    HOST = "one host"
    OPERATION = "one operation"
    VOLUMES = "volumes"
    OVERVIEW = "overview"
    TEXT = "text"


TABLES: Final = frozenset(
    {KeyScope.VMS, KeyScope.HOSTS, KeyScope.OPERATIONS, KeyScope.STORAGE, KeyScope.ALERTS, KeyScope.VOLUMES}
)
_PANES: Final = TABLES - {KeyScope.VOLUMES}
_EVERYWHERE: Final = frozenset(KeyScope)
_A_VM: Final = frozenset({KeyScope.VMS, KeyScope.VM})
_A_HOST: Final = frozenset({KeyScope.HOSTS, KeyScope.HOST})
_AN_OPERATION: Final = frozenset({KeyScope.OPERATIONS, KeyScope.OPERATION, KeyScope.VMS, KeyScope.VM})
_OPERATIONS: Final = frozenset({KeyScope.OPERATIONS, KeyScope.OPERATION})
_DANGEROUS: Final = _AN_OPERATION | {KeyScope.STORAGE, KeyScope.VOLUMES}
_OPENING: Final = _PANES | {KeyScope.OVERVIEW}
_READING: Final = frozenset(KeyScope) - TABLES


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What one or several keys mean in some places."""

    id: str
    """The command's identifier, or an action of the screen itself."""
    keys: tuple[str, ...]
    label: str
    """In the footer and in help."""
    group: str
    scopes: frozenset[KeyScope] = _EVERYWHERE
    rank: int = 0
    """Place in the footer, the smallest first; 0: it is not named there."""


def _vm(id: str, key: str, label: str, group: str, rank: int = 0) -> Key:  # noqa: A002
    return Key(id=id, keys=(key,), label=label, group=group, scopes=_A_VM, rank=rank)


KEYS: Final[tuple[Key, ...]] = (
    _vm("vm.start", "s", "start", "Power", 20),
    _vm("vm.shutdown", "d", "shut down", "Power", 22),
    _vm("vm.reboot", "b", "reboot", "Power", 30),
    _vm("vm.pause", "p", "pause", "Power", 32),
    _vm("vm.resume", "u", "resume", "Power", 21),
    _vm("vm.force-off", "F", "force off", "Danger"),
    _vm("vm.migrate", "m", "migrate", "Change", 24),
    _vm("vm.create", "n", "new", "Change", 34),
    _vm("vm.rename", "r", "rename", "Change"),
    _vm("vm.autostart", "a", "autostart", "Change"),
    _vm("vm.resize", "z", "size", "Change"),
    _vm("vm.attach-disk", "i", "attach disk", "Change"),
    _vm("vm.attach-nic", "v", "attach NIC", "Change"),
    _vm("vm.detach-disk", "I", "detach disk", "Danger"),
    _vm("vm.detach-nic", "V", "detach NIC", "Danger"),
    _vm("vm.delete", "D", "delete, keep disks", "Danger"),
    _vm("vm.erase", "E", "delete with disks", "Danger"),
    _vm("vm.serial", "c", "console", "Look", 26),
    _vm("vm.xml", "y", "XML", "Look", 38),
    Key(id="operation.cancel", keys=("C",), label="cancel", group="Danger", scopes=_AN_OPERATION, rank=23),
    Key(id="operation.acknowledge", keys=("A",), label="acknowledge", group="Change", scopes=_OPERATIONS, rank=24),
    Key(id="host.reconnect", keys=("r",), label="reconnect", group="Change", scopes=_A_HOST, rank=20),
    Key(id="host.vms", keys=("v",), label="its VMs", group="Look", scopes=_A_HOST, rank=22),
    Key(
        id="pool.start",
        keys=("s",),
        label="start pool",
        group="Power",
        scopes=frozenset({KeyScope.STORAGE}),
        rank=20,
    ),
    Key(
        id="pool.stop",
        keys=("S",),
        label="stop pool",
        group="Danger",
        scopes=frozenset({KeyScope.STORAGE}),
        rank=22,
    ),
    Key(
        id="volume.delete",
        keys=("D",),
        label="delete volume",
        group="Danger",
        scopes=frozenset({KeyScope.VOLUMES}),
        rank=22,
    ),
    Key(id="open", keys=("enter",), label="detail", group="Look", scopes=_OPENING, rank=10),
    Key(id="danger", keys=("x",), label="danger", group="Danger", scopes=_DANGEROUS, rank=40),
    Key(id="filter", keys=("/",), label="filter", group="Table", scopes=TABLES, rank=50),
    Key(id="select", keys=("space",), label="select", group="Table", scopes=TABLES, rank=45),
    Key(id="select-all", keys=("*",), label="select all shown", group="Table", scopes=TABLES),
    Key(id="sort-next", keys=(">", "o"), label="sort by next column", group="Table", scopes=TABLES),
    Key(id="sort-previous", keys=("<",), label="sort by previous column", group="Table", scopes=TABLES),
    Key(id="sort-reverse", keys=("O",), label="reverse order", group="Table", scopes=TABLES),
    Key(id="down", keys=("j", "down"), label="down", group="Move"),
    Key(id="up", keys=("k", "up"), label="up", group="Move"),
    Key(id="half-down", keys=("ctrl+d",), label="half a page down", group="Move"),
    Key(id="half-up", keys=("ctrl+u",), label="half a page up", group="Move"),
    Key(id="page-down", keys=("pagedown", "ctrl+f"), label="page down", group="Move"),
    Key(id="page-up", keys=("pageup", "ctrl+b"), label="page up", group="Move"),
    Key(id="first", keys=("g", "home"), label="first", group="Move"),
    Key(id="last", keys=("G", "end"), label="last", group="Move"),
    Key(id="next", keys=("right", "l"), label="next", group="Move", scopes=frozenset({KeyScope.OVERVIEW})),
    Key(id="previous", keys=("left", "h"), label="the one before", group="Move", scopes=frozenset({KeyScope.OVERVIEW})),
    Key(id="overview", keys=("0",), label="overview of the fleet", group="Panes"),
    *(
        Key(id=f"pane-{number}", keys=(str(number),), label=label, group="Panes")
        for number, label in enumerate(("VMs", "hosts", "operations", "storage", "alerts"), start=1)
    ),
    Key(id="pane-next", keys=("tab",), label="next pane", group="Panes"),
    Key(id="pane-next", keys=("right", "l"), label="next pane", group="Panes", scopes=_PANES),
    Key(id="pane-previous", keys=("shift+tab",), label="pane before", group="Panes"),
    Key(id="pane-previous", keys=("left", "h"), label="pane before", group="Panes", scopes=_PANES),
    Key(id="whole", keys=("w",), label="cut text in full", group="Look"),
    Key(id="palette", keys=(":", "ctrl+p"), label="all", group="Console", rank=52),
    Key(id="help", keys=("?",), label="help", group="Console", rank=54),
    Key(id="back", keys=("escape",), label="back", group="Console", rank=0),
    Key(id="back", keys=("backspace",), label="back", group="Console", scopes=_READING),
    Key(id="theme", keys=("t",), label="other theme", group="Console"),
    Key(id="redraw", keys=("ctrl+l",), label="paint the screen again", group="Console"),
    Key(id="detach", keys=("q",), label="detach", group="Console", scopes=_PANES, rank=58),
    Key(id="back", keys=("q",), label="back", group="Console", scopes=frozenset(KeyScope) - _PANES, rank=58),
    Key(id="detach", keys=("ctrl+c", "ctrl+q"), label="detach", group="Console"),
)
STANDING: Final = 50
"""From this rank on a key is always named."""
GROUPS: Final = ("Look", "Power", "Change", "Danger", "Table", "Move", "Panes", "Console")
ALIASES: Final = {
    "detach": "q quit exit",
    "overview": "summary dashboard home",
    "pane-1": "vm vms guests domains list",
    "pane-2": "host hosts nodes hypervisors",
    "pane-3": "op ops tasks jobs migrations",
    "pane-4": "pool pools datastores volumes",
    "pane-5": "alert alarms events",
    "vm.start": "poweron boot",
    "vm.shutdown": "stop poweroff",
    "vm.pause": "suspend",
    "vm.force-off": "destroy kill",
    "vm.migrate": "move vmotion",
    "vm.create": "create define",
    "vm.delete": "undefine remove",
    "vm.erase": "rm",
    "vm.resize": "edit cpu memory setvcpus setmem",
    "vm.serial": "serial tty",
    "vm.xml": "dumpxml definition",
    "operation.cancel": "abort domjobabort",
    "operation.acknowledge": "ack settle resolve",
}
"""What other consoles and virsh call the same things: the palette knows them by these words, too."""


def keys_at(scope: KeyScope) -> Iterator[Key]:
    """Yield every key that means something there."""
    return (key for key in KEYS if scope in key.scopes)


def find(scope: KeyScope, pressed: str) -> Key | None:
    """Return what a key means there."""
    return next((key for key in keys_at(scope) if pressed in key.keys), None)


def footer_keys(scope: KeyScope) -> list[Key]:
    """Return the keys that the footer names where there is room, in their order."""
    return sorted((key for key in keys_at(scope) if 0 < key.rank < STANDING), key=lambda key: key.rank)


def standing_keys(scope: KeyScope) -> list[Key]:
    """Return the keys that the footer always names, in their order."""
    return sorted((key for key in keys_at(scope) if key.rank >= STANDING), key=lambda key: key.rank)


def pressed_name(key: str, character: str | None) -> str:
    """Return the name under which KEYS knows a key press."""
    if character is not None and len(character) == 1 and character.isprintable() and character != " ":
        return character
    return key
