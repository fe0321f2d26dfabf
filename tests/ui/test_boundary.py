"""No plain string reaches a widget: only spans, whose text is SafeText. Read from the source itself."""

import ast
from pathlib import Path

import pytest

_CONSOLE = Path(__file__).parents[2] / "novacron_tui"
_SOURCES = sorted(_CONSOLE.rglob("*.py"))
_STRING_WIDGETS = {
    "Static",
    "Label",
    "Button",
    "Input",
    "DataTable",
    "OptionList",
    "Log",
    "RichLog",
    "Markdown",
    "Tree",
    "TextArea",
    "Header",
    "Footer",
    "ListView",
    "Select",
    "Text",
    "Content",
}


def _calls(tree: ast.AST) -> list[tuple[str, int]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            found.append((name, node.lineno))
    return found


@pytest.mark.parametrize("source", _SOURCES, ids=lambda path: str(path.relative_to(_CONSOLE)))
def test_no_widget_that_takes_strings_and_no_thread_is_used(source: Path) -> None:
    tree = ast.parse(source.read_text())
    calls = _calls(tree)
    assert not [call for call in calls if call[0] in _STRING_WIDGETS | {"notify", "call_from_thread", "from_markup"}]
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword):
            assert node.arg != "thread"
        if isinstance(node, ast.ImportFrom) and node.module:
            assert not node.module.startswith("textual.widgets")


@pytest.mark.parametrize("source", sorted((_CONSOLE / "present").glob("*.py")), ids=lambda path: path.name)
def test_what_is_presented_knows_no_textual(source: Path) -> None:
    for node in ast.walk(ast.parse(source.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
        assert not [name for name in names if name.split(".")[0] in {"textual", "pyte", "plotext"}]


def test_the_navigator_alone_opens_screens() -> None:
    opening = {"push_screen", "put_question", "switch_screen", "push_screen_wait"}
    openers = {
        path.name for path in _SOURCES if any(name in opening for name, _ in _calls(ast.parse(path.read_text())))
    }
    assert openers == {"navigator.py", "keyed_app.py"}


def test_segments_are_made_in_two_places_only() -> None:
    makers = {
        path.name for path in _SOURCES if any(name == "Segment" for name, _ in _calls(ast.parse(path.read_text())))
    }
    assert makers == {"painter.py", "guest_screen.py"}


def test_the_app_stays_small() -> None:
    assert len((_CONSOLE / "app.py").read_text().splitlines()) <= 200
