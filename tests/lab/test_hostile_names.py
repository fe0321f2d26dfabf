"""Names and texts that attack whoever shows them, given to real hypervisors as far as libvirt takes them."""

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

import pytest
from lxml import etree
from wcwidth import wcswidth, wcwidth

from novacron.lab.definitions import VmDefinition, vm_xml
from novacron.lab.lab import Lab
from tests.lab.jump_host import JumpHost, at_a_jump_host
from tests.lab_fixtures import eventually
from tests.sent_bytes import foreign_parts
from tests.terminal import Terminal

pytestmark = pytest.mark.lab

_HOST: Final = "lab1"
_FOLDER: Final = "/var/lib/libvirt/hostile"
_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        # XML 1.0 forbids the C0 controls; their C1 twins are as good to a terminal that reads them.
        "colour": "a\u009b31;5mred",
        "clipboard": "b\u009d52;c;cm0gLXJmIC8=\u009c",
        "next-line": "c\u0085forged",
        "tab": "d\ttab",
        "markup": "[bold red]e[bold red]",
        "click": "[@click=app.quit]f",
        "reversed": "g\u202egnp.exe",
        "isolated": "h\u2066i\u2069",
        "marks": "z" + "\u0301\u0302\u0303\u0304" * 12,
        "enclosed": "j\u20dd\u0488",
        "wide": "名前サーバー",
        "nothing": "k\u200bl\u200dm\ufeff\u00ad",
        "family": "👩\u200d👩\u200d👧🇩🇪👍🏽",
        "selected": "❤\ufe0f",
        "private": "n\ue000\U000e0041",
        "arabic": "خادم",
        "korean": "\u1112\u1161\u11ab",
        "option": "--help",
        "shell": "; reboot #`reboot`",
        "long": "o" * 200,
    }
)
"""libvirt takes all of these. It takes no slash, no newline, and no name that makes no file name."""
_TEXT: Final = "first\nsecond \u009b2J\u202e[bold]" + "x" * 5000
"""Title and description: a newline and a length that no name may have."""
_VOLUMES: Final[Mapping[str, bytes]] = MappingProxyType(
    {
        "plain.img": b"plain.img",
        "csi\u009b2J.img": "csi\u009b2J.img".encode(),
        "rtl\u202egmi.img": "rtl\u202egmi.img".encode(),
        "line\nfeed.img": b"line\nfeed.img",
        "[@click=app.quit].img": b"[@click=app.quit].img",
        "名前.img": "名前.img".encode(),
        "amp<&>.img": b"amp<&>.img",
        "no\uffffxml.img": "no\uffffxml.img".encode(),
        "not\\xffutf8.img": b"not\xffutf8.img",
    }
)
"""What they are called here, and the bytes they are called on the host: file names are no text."""
_TROUBLE: Final = """
touch 'twin\\xff.img' "$(printf 'twin\\377.img')"
mkdir -p "$(printf 'kept\\377')/inside"
"""
"""Two files that are called the same once bytes are spelled out, and a volume that cannot be deleted."""


@pytest.fixture
def person(lab: Lab) -> Iterator[JumpHost]:
    """Somebody who watches this lab."""
    with at_a_jump_host(lab) as one:
        yield one


@pytest.fixture
def hostile_vms(lab: Lab) -> Iterator[dict[str, str]]:
    """VMs with all of these names on one host: what is wrong with each -> its UUID."""
    made = {kind: _define(lab, name) for kind, name in _NAMES.items()}
    yield made
    for vm in made.values():
        lab.attempt(_HOST, ["virsh", "-q", "destroy", vm])
        lab.attempt(_HOST, ["virsh", "-q", "undefine", vm])


@pytest.fixture
def hostile_pool(lab: Lab) -> Iterator[str]:
    """A pool whose folder holds files with all of those names."""
    lab.run(_HOST, ["mkdir", "-p", _FOLDER])
    # Octal, since a name of bytes goes through no command line of ours.
    script = "".join(f"truncate -s 1M \"$(printf '{_octal(name)}')\"\n" for name in _VOLUMES.values())
    lab.run(_HOST, ["sh", "-euc", f"cd {_FOLDER}\n{script}{_TROUBLE}"])
    lab.virsh(_HOST, "pool-create-as", "hostile", "dir", "--target", _FOLDER)
    yield "hostile"
    lab.attempt(_HOST, ["virsh", "-q", "pool-destroy", "hostile"])
    lab.run(_HOST, ["rm", "-rf", _FOLDER])


def _octal(name: bytes) -> str:
    return "".join(f"\\{byte:03o}" for byte in name)


def _define(lab: Lab, name: str, disk: str = "") -> str:
    vm = str(uuid.uuid4())
    plain = VmDefinition(name="placeholder", uuid=vm, domain_type=lab.domain_type, network=False)
    root = etree.fromstring(vm_xml(plain))
    (named,) = root.iterfind("name")
    named.text = name
    for tag in ("description", "title"):
        # A title is one line to libvirt.
        etree.SubElement(root, tag).text = _TEXT if tag == "description" else _TEXT.replace("\n", " ")
    if disk:
        element = etree.SubElement(root.find("devices"), "disk", type="file", device="disk")
        etree.SubElement(element, "source", file=disk)
        etree.SubElement(element, "target", dev="vda", bus="virtio")
    lab.run(_HOST, ["virsh", "-q", "define", "/dev/stdin"], stdin=etree.tostring(root, encoding="unicode"))
    return vm


def _starts_of(text: str, shown: str) -> set[int]:
    """Return in which cells of their lines something begins: where terminals join clusters, and where they do not."""
    befores = [line[: line.index(shown)] for line in text.split("\n") if shown in line]
    return {width for before in befores for width in (wcswidth(before), sum(map(wcwidth, before)))}


def _volumes(person: JumpHost, pool: str) -> set[str]:
    """Return the names that are told of a pool's volumes; none while it is not known."""
    listed = person.run("volumes", "--pool", pool, "--json", code=None).stdout
    return {entry["volume"]["name"] for entry in json.loads(listed or "[]")}


def _require_inert(console: Terminal) -> None:
    """Check that nothing but our own sequences was sent, and that the frame stands."""
    sent = bytes(console.sent)
    assert not foreign_parts(sent)
    assert b"\x1b]" not in sent, "a title, a link or the clipboard"
    assert console.text.startswith(" NovaCron")


def test_every_row_keeps_its_columns_and_nothing_is_obeyed(
    person: JumpHost, hostile_vms: dict[str, str], hostile_pool: str
) -> None:
    console = person.terminal(columns=120, rows=40)
    console.wait_for(lambda text: text.count("shut off") > len(hostile_vms))
    (at,) = _starts_of(console.text, "STATE")
    lines = [line for line in console.text.split("\n")[3:] if "○ shut off" in line]
    assert len(lines) == len(hostile_vms)
    assert _starts_of("\n".join(lines), "○ shut off") == {at}
    assert len(_starts_of("\n".join(lines), "lab1")) == 1
    for vm in hostile_vms.values():
        _choose(console, vm)
        for look, sign in (("enter", "Identity"), ("y", "<domain")):
            console.press(look)
            console.wait_for(sign)
            console.press("q")
            console.wait_for("q detach")
    for form, sign in (("x", "Force off"), ("r", "Rename "), ("m", "To host")):
        console.press(form)
        console.wait_for(sign)
        console.escape(sign)
    console.press("4", "/", hostile_pool, "enter", "enter")
    console.wait_for("plain.img")
    assert len(_starts_of(console.text, " raw ")) == 1
    console.press("j", "j", "D")
    console.wait_for("Touches")
    _require_inert(console)


def test_the_command_line_keeps_its_columns_and_json_the_very_name(
    person: JumpHost, hostile_vms: dict[str, str], hostile_pool: str
) -> None:
    vms = {vm: seen["vm"] for vm, seen in person.vms(*hostile_vms.values()).items()}
    assert {kind: vms[vm]["name"] for kind, vm in hostile_vms.items()} == dict(_NAMES)
    assert {vms[vm]["description"] for vm in hostile_vms.values()} == {_TEXT}
    assert eventually(lambda: _volumes(person, hostile_pool) == {*_VOLUMES, "twin\\xff.img", "kept\\xff"}), _volumes(
        person, hostile_pool
    )
    for listing, column in (("vms", "STATE"), ("volumes", "FORMAT")):
        value = "shut off" if listing == "vms" else " raw "
        piped = person.run(listing).stdout.decode()
        shown = person.terminal(listing, columns=250, rows=60)
        assert shown.wait() == 0
        for text, sent in ((piped, piped.encode()), (shown.text, bytes(shown.sent))):
            assert not foreign_parts(sent)
            assert b"\x1b" not in sent
            assert text.count(value) >= len(hostile_vms if listing == "vms" else _VOLUMES), "one row, one line"
            heads = _starts_of(text.split("\n")[0], column)
            assert {at + len(value) - len(value.lstrip()) for at in _starts_of(text, value)} == heads
    for vm in hostile_vms.values():
        definition = person.run("xml", vm).stdout
        assert not foreign_parts(definition)


@pytest.mark.parametrize("kind", ["colour", "click", "reversed", "option"])
def test_a_vm_with_such_a_name_is_started_stopped_and_deleted_by_its_row(
    lab: Lab, person: JumpHost, hostile_vms: dict[str, str], kind: str
) -> None:
    vm = hostile_vms[kind]
    console = person.terminal(columns=120, rows=40)
    console.wait_for(lambda text: text.count("shut off") > len(hostile_vms))
    _choose(console, vm)
    console.press("s")
    console.wait_for("running", timeout_s=60)
    assert lab.virsh(_HOST, "domstate", vm).strip() == "running"
    console.press("F")
    console.wait_for("Touches")
    touched = re.search(r"Touches.*", console.text)
    assert touched
    assert vm[:8] in touched[0], "names can look alike, UUIDs cannot"
    _confirm(console)
    console.wait_for("○ shut off", timeout_s=60)
    assert lab.virsh(_HOST, "domstate", vm).strip() == "shut off"
    console.press("D")
    console.wait_for("Touches")
    _confirm(console)
    gone = eventually(lambda: vm not in lab.virsh(_HOST, "list", "--all", "--uuid"), timeout_s=30)
    console.watch(0.2)
    assert gone, console.text
    left = set(lab.virsh(_HOST, "list", "--all", "--uuid").split())
    assert left >= set(hostile_vms.values()) - {vm}, "no other was touched"
    _require_inert(console)


def test_what_libvirt_says_of_such_a_name_is_told_and_not_obeyed(lab: Lab, person: JumpHost) -> None:
    disk = f"/var/lib/libvirt/images/{_NAMES['colour']}\u202e[bold red].img"
    vm = _define(lab, _NAMES["colour"], disk)
    try:
        failed = person.run("start", vm, "--yes", code=1)
        assert not foreign_parts(failed.stdout + failed.stderr)
        assert b"\\u{9b}31;5mred\\u{202e}[bold red].img" in failed.stdout + failed.stderr
        (operation,) = person.read("ops")
        assert disk in operation["outcome"], "libvirt's words as they are"
        console = person.terminal(columns=200, rows=40)
        console.wait_for("a\\u{9b}31;5mred")
        for pane, head in (("3", "OPERATION "), ("5", "SEVERITY")):
            console.press(pane)
            console.wait_for(lambda text, head=head: head in text and "mred\\u{202e}[bold red].img" in text)
        console.press("3")
        console.wait_for("OPERATION ")
        console.press("enter")
        console.wait_for("What was asked for")
        console.escape("What was asked for")
        _require_inert(console)
    finally:
        lab.virsh(_HOST, "undefine", vm)


def test_a_file_whose_name_is_no_text_hides_nothing_and_is_deleted_like_any_other(
    lab: Lab, person: JumpHost, hostile_pool: str
) -> None:
    assert eventually(lambda: "no\uffffxml.img" in _volumes(person, hostile_pool)), _volumes(person, hostile_pool)
    assert {pool["pool"]["name"] for pool in person.read("pools", _HOST)} >= {"shared", "local", hostile_pool}
    for name in ("not\\xffutf8.img", "line\nfeed.img", "no\uffffxml.img"):
        person.run("volume", "delete", name, "--pool", hostile_pool, "--host", _HOST, "--yes")
    left = set(lab.run(_HOST, ["ls", "-b", _FOLDER]).split())
    assert not [name for name in left if "utf8" in name or "feed" in name or "xml" in name]
    for name in ("twin\\xff.img", "kept\\xff"):
        refused = person.run("volume", "delete", name, "--pool", hostile_pool, "--host", _HOST, "--yes", code=1)
        said = (refused.stdout + refused.stderr).decode()
        # libvirt's own refusal quotes the name; the binding cannot even make an error of it.
        assert ("two volumes are shown by this name" if "twin" in name else "Directory not empty") in said
    assert set(lab.run(_HOST, ["ls", "-b", _FOLDER]).split()) == left, "neither was touched"


def _choose(console: Terminal, vm: str) -> None:
    """Put the cursor on its row; nobody can type such a name."""
    console.press("/", "ctrl+u", vm, "enter")
    console.wait_for(f"{vm} 1 of ")


def _confirm(console: Terminal) -> None:
    """Say yes, or type what is asked for: a name, or the beginning of the UUID where nobody could type the name."""
    # The box arrives in pieces: what it asks for comes after what it touches.
    console.wait_for(lambda text: "to go on:" in text or "y yes" in text)
    asked = re.search(r"Type (.+) to go on:", console.text)
    if asked is None:
        console.press("y")
    else:
        console.press(asked[1].strip(), "enter")
