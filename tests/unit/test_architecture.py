"""The shape of the code itself: sizes, layers, and what starting the command line costs.

Who may import whom is import-linter's business (pyproject.toml); here is what its contracts cannot say.
"""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_SOURCES = (_ROOT / "backend", _ROOT / "novacron_tui")
_FILE_LINES, _FUNCTION_LINES, _CLASS_LINES = 400, 40, 250
_VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
_SLOW_TO_LOAD = {"textual", "plotext", "libvirt", "sqlalchemy", "alembic", "fastapi", "uvicorn", "asyncssh", "lxml"}

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _sources() -> Iterator[Path]:
    for folder in _SOURCES:
        yield from sorted(folder.rglob("*.py"))


def _nodes(kind: type[ast.AST] | tuple[type[ast.AST], ...]) -> Iterator[tuple[str, int]]:
    """Each definition of that kind as "file:line name" and its length in lines, decorators and docstring left out."""
    for path in _sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, kind):
                yield f"{path.relative_to(_ROOT)}:{node.lineno} {node.name}", _length(node)


def _length(node: ast.AST) -> int:
    documented = ast.get_docstring(node, clean=False) is not None
    docstring = node.body[0] if documented else None
    lines = node.end_lineno - node.lineno + 1
    return lines - (docstring.end_lineno - docstring.lineno + 1 if docstring else 0)


def _over(limit: int, found: Iterator[tuple[str, int]]) -> list[str]:
    return [f"{where}: {lines} lines" for where, lines in found if lines > limit]


def test_the_sources_are_found() -> None:
    assert len(list(_sources())) > 100


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    lengths = ((str(p.relative_to(_ROOT)), len(p.read_text(encoding="utf-8").splitlines())) for p in _sources())
    assert not _over(_FILE_LINES - 1, lengths)


def test_no_function_is_longer_than_a_screen() -> None:
    assert not _over(_FUNCTION_LINES, _nodes(_FUNCTIONS))


def test_no_class_does_everything() -> None:
    assert not _over(_CLASS_LINES, _nodes(ast.ClassDef))


def test_every_module_is_named_after_the_one_thing_it_knows() -> None:
    assert not [str(path) for path in _sources() if path.stem in _VAGUE_NAMES]


def test_every_module_says_what_it_owns() -> None:
    silent = [
        str(path.relative_to(_ROOT))
        for path in _sources()
        if path.read_text(encoding="utf-8").strip()
        and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not silent


def test_every_folder_with_modules_is_a_package_that_the_contracts_see() -> None:
    """A folder without __init__.py is invisible to import-linter, so nothing in it would be held to any layer."""
    packages = _ROOT / "backend" / "novacron", _ROOT / "novacron_tui"
    bare = {
        path.parent for root in packages for path in root.rglob("*.py") if not (path.parent / "__init__.py").exists()
    }
    assert not {str(folder.relative_to(_ROOT)) for folder in bare}


@pytest.mark.parametrize(
    "package", [_ROOT / "backend" / "novacron", _ROOT / "novacron_tui"], ids=lambda path: path.name
)
def test_every_top_level_module_belongs_to_a_layer(package: Path) -> None:
    contracts = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(each for each in contracts if each.get("exhaustive") and each["containers"] == [package.name])
    named = {name.strip() for line in layers["layers"] for name in line.split("|")}
    there = {
        path.stem
        for path in package.iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").exists()
    }
    assert there == named


def test_only_what_supervises_swallows_everything() -> None:
    """The step boundary, the poller's host loop, recovery, the journal's writer and the supervisor.

    Anywhere else it hides a defect.

    libvirt's worker thread catches everything too, to hand it whole to the task that waits for it.
    """
    catching = {
        str(path.relative_to(_ROOT / "backend" / "novacron"))
        for path in (_ROOT / "backend" / "novacron").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler) and _catches_everything(node)
    }
    assert catching <= {
        "engine/work/runner.py",
        "engine/work/recovery.py",
        "engine/journal_writer.py",
        "engine/poller.py",
        "engine/supervisor.py",
        "adapters/libvirt/channel.py",
    }


def _catches_everything(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False  # it tidies up and passes the error on
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"}) for kind in kinds
    )


@pytest.mark.parametrize("module", ["novacron.cli.main", "novacron.config.fleet_file", "novacron.api.client"])
def test_starting_loads_nothing_slow(module: str) -> None:
    """Checked in a process of its own: this one has loaded everything already."""
    program = f"import sys, {module}; print(' '.join({{name.partition('.')[0] for name in sys.modules}}))"
    loaded = set(subprocess.check_output([sys.executable, "-c", program], text=True, timeout=60).split())
    assert "novacron" in loaded
    assert not loaded & _SLOW_TO_LOAD
