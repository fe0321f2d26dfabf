"""What the README and docs/ promise exists: files, verbs, options, keys, settings."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer.main

from novacron.cli.main import app
from novacron.config import fleet_file
from novacron.lab.faults import FAULTS
from novacron.model.errors import ConfigError, ExitCode
from novacron.model.link import LinkStatus
from novacron_tui.keys import KEYS

_ROOT = Path(__file__).parents[2]
_PAGES = sorted([_ROOT / "README.md", _ROOT / "CHANGELOG.md", *(_ROOT / "docs").rglob("*.md")])
_README = (_ROOT / "README.md").read_text(encoding="utf-8")
_FLEET_PAGE = (_ROOT / "docs" / "fleet-toml.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))
def test_every_command_shown_is_one(page: Path) -> None:
    """Lines of code blocks and inline code that begin with `novacron`."""
    text = page.read_text(encoding="utf-8")
    root = typer.main.get_command(app)
    for line in re.findall(r"^ {4}novacron (.*)$|`novacron ([^`]*)`", text, re.MULTILINE):
        words = re.split(r"\s{2,}|[;#|)]", next(filter(None, line)))[0].split()
        _assert_understood(root, words, page)


def _assert_understood(command: click.Command, words: list[str], page: Path) -> None:
    """Follow verbs down to the last one, and look up every option on the way."""
    takes_value = False
    for word in words:
        options = {name: option for option in command.params for name in option.opts}
        if takes_value:
            takes_value = False
        elif word in {"--help", "-h"}:
            continue
        elif word.startswith("-"):
            assert word in options, f"{page.name}: {word} of {words}"
            takes_value = not getattr(options[word], "is_flag", False)
        elif hasattr(command, "commands") and word.islower():
            assert word in command.commands, f"{page.name}: {word} of {words}"
            command = command.commands[word]


def test_every_script_and_every_target_of_make_shown_is_there() -> None:
    assert not [name for name in re.findall(r"scripts/[a-z]+", _README) if not (_ROOT / name).exists()]
    targets = set(re.findall(r"^([a-z]+):", (_ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"^ {4}make (\w+)", _README, re.MULTILINE)) <= targets


def test_every_variable_of_the_environment_named_is_read_somewhere() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (_ROOT / "backend").rglob("*.py"))
    sources += "".join(path.read_text(encoding="utf-8") for path in (_ROOT / "scripts").iterdir() if path.is_file())
    named = {name for page in _PAGES for name in re.findall(r"\bNOVACRON_\w+", page.read_text(encoding="utf-8"))}
    assert named
    assert not [name for name in named if name not in sources]


def test_every_page_is_found_from_the_index() -> None:
    index = (_ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert not [page.name for page in (_ROOT / "docs").glob("*.md") if page.name not in index and page.stem != "index"]


def test_every_status_of_a_host_has_its_cause_and_remedy() -> None:
    text = (_ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    table = text.partition("## A host")[2].partition("## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \| [^|]+ \| [^|]+ \|$", table, re.MULTILINE)
    assert sorted(rows) == sorted(LinkStatus)


def test_every_fault_of_the_lab_is_explained() -> None:
    text = (_ROOT / "docs" / "lab.md").read_text(encoding="utf-8")
    table = text.partition("## Faults")[2].partition("## ")[0]
    assert set(re.findall(r"^\| ([a-z-]+)(?: [A-Z_]+)? \|", table, re.MULTILINE)) - {"kind"} == set(FAULTS)


def test_the_unit_starts_a_verb_and_gives_up_on_what_no_restart_mends() -> None:
    unit = (_ROOT / "docs" / "novacron.service").read_text(encoding="utf-8")
    command = re.findall(r"^ExecStart=\S*/novacron (.*)$", unit, re.MULTILINE)
    assert len(command) == 1
    _assert_understood(typer.main.get_command(app), command[0].split(), _ROOT / "docs" / "novacron.service")
    hopeless = re.findall(r"^RestartPreventExitStatus=(.*)$", unit, re.MULTILINE)[0].split()
    assert {int(code) for code in hopeless} == {ExitCode.CONFIG, ExitCode.BACKEND}


def test_the_keys_of_the_readme_are_the_keys_of_the_console() -> None:
    table = _README.partition("## Keys")[2].partition("## ")[0]
    shown = {key for row in re.findall(r"^\| (.+?) \|", table, re.MULTILINE) for key in re.findall(r"`(.+?)`", row)}
    shown |= set(re.findall(r"`([A-Z])`", table))
    known = {key for entry in KEYS for key in entry.keys} | {"esc"}
    assert shown - known == set()
    acting = {entry.keys[0] for entry in KEYS if entry.group in {"Power", "Change", "Danger", "Look"}}
    assert acting - shown == set()


def test_the_exit_codes_of_the_readme_are_those_of_the_program() -> None:
    listed = _README.partition("Exit codes:")[2].partition("\n\n")[0]
    assert {int(code) for code in re.findall(r"\b(\d+) ", listed)} == set(ExitCode)


def _examples() -> Iterator[tuple[str, str]]:
    for name, text in (("README.md", _README), ("fleet-toml.md", _FLEET_PAGE)):
        yield from ((name, block) for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL))


@pytest.mark.parametrize(("page", "example"), list(_examples()))
def test_an_example_of_fleet_toml_can_be_read(page: str, example: str, tmp_path: Path) -> None:
    path = tmp_path / "fleet.toml"
    path.write_text(example, encoding="utf-8")
    assert len(fleet_file.load(path).hosts) == len(tomllib.loads(example)["host"]), page


def test_every_setting_of_a_host_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "fleet.toml"
    path.write_text('[[host]]\nname = "a"\nssh = "a"\nqqqqqqqq = 1\n', encoding="utf-8")
    with pytest.raises(ConfigError) as refusal:
        fleet_file.load(path)
    known = set(refusal.value.remedy.removeprefix("known here: ").split(", "))
    table = _FLEET_PAGE.partition("## A host")[2].partition("## ")[0]
    explained = set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))
    assert explained == known
