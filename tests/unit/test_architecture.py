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
    """The step boundary, the follower of a batch, the poller's host loop, recovery, the journal's writer,
    and the supervisor.

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
        "engine/work/batches.py",
        "engine/journal_writer.py",
        "engine/poller.py",
        "engine/supervisor.py",
        "adapters/libvirt/channel.py",
    }


_TASKS = {
    "engine/supervisor.py": "the long-lived tasks: logged, started again, alerted",
    "engine/executor.py": "an operation, which ends by itself whatever fails in it",
    "engine/work/pending.py": "a submission, which is awaited",
    "engine/work/recovery.py": "awaited by the run of the operation",
    "engine/hub.py": "gives one fleet; asyncio logs what fails, and the next change begins it again",
    "engine/deadline.py": "awaited in the same function",
    "engine/operations/migration.py": "awaited in the same function",
    "engine/work/scheduler.py": "awaited in the same function",
    "engine/work/batches.py": "a batch, which ends whatever fails in following it",
    "engine/journal_writer.py": "hands every failure to those who wait for the journal",
    "api/routes_stream.py": "awaited in the same function",
    "api/routes_serial.py": "awaited in the same function",
    "api/listener.py": "one connection; asyncio logs what fails",
    "api/server.py": "the default where nobody supervises; the daemon passes its supervisor",
    "runtime/daemon.py": "the drain, which stops the server whatever fails in it",
    "cli/serial.py": "awaited in the same function",
    "adapters/ssh/sessions.py": "closing what nobody waits for; kept until it ends",
    "adapters/ssh/local_program.py": "awaited in the same function",
    "adapters/libvirt/tunnel.py": "a pump, which ends with its connection",
    "adapters/libvirt/relay.py": "a pump, which ends with its connection",
    "adapters/libvirt/background_read.py": "logs its own failure, and is begun again by the next reading",
    "adapters/libvirt/reader.py": "awaited by the reading",
    "adapters/libvirt/migrator.py": "awaited in the same function",
    "adapters/libvirt/gateway.py": "awaited in the same function",
    "adapters/simulated/world.py": "the world's own course",
    "adapters/simulated/link.py": "awaited in the same function",
    "adapters/simulated/migration.py": "awaited in the same function",
    "lab/relay.py": "of a task group",
}
"""Where a task may be made, and who sees that it fails. What lives as long as the backend goes to the supervisor."""


def test_tasks_are_made_only_where_somebody_sees_them_fail() -> None:
    root = _ROOT / "backend" / "novacron"
    making = {str(path.relative_to(root)) for path in root.rglob("*.py") if _makes_a_task(path)}
    assert making == set(_TASKS)


def _makes_a_task(path: Path) -> bool:
    names = {"create_task", "ensure_future"}
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return any(isinstance(node, ast.Attribute) and node.attr in names for node in nodes)


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
