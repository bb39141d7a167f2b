"""Who may import whom in ``src/potions``, walked over the source: every import counts, those inside functions too."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).parents[2] / "src"

#: Each part of the package, and the parts it may import. Whoever needs one more draws the arrow here, and says why.
LAYERS: dict[str, set[str]] = {
    # Words that everything else uses
    "errors": set(),
    "names": {"errors"},
    "layout": set(),
    "model": {"errors", "layout", "names"},
    "schema": {"layout", "model"},
    "settings": set(),
    "homes": {"layout"},
    "secret": {"errors", "model"},
    # Files that people write
    "manifest": {"errors", "model", "names"},
    "procfile": {"errors", "model"},
    "dotenv": {"errors", "names"},
    "planning": {"manifest", "model", "procfile"},
    "packing": {"errors", "model"},
    # From values to programs
    "render": {"errors", "layout", "model"},
    "launcher": set(),
    "flows": {"errors", "layout", "model", "planning"},
    "host": {"errors", "flows.ports", "launcher", "layout", "model", "render", "secret"},
    "store": {"errors", "layout", "model", "names", "schema"},
    "service": {
        "",
        "dotenv",
        "errors",
        "flows",
        "host",
        "layout",
        "model",
        "names",
        "schema",
        "secret",
        "settings",
        "store",
    },
    # Processes
    "agent": {"", "errors", "layout", "schema", "service"},
    "client": {"errors", "names", "schema"},
    "cli": {"", "client", "errors", "homes", "manifest", "names", "packing", "schema"},
    "embedded": {"", "client", "errors", "host", "layout", "model", "render", "schema", "settings"},
    "wiring": {"agent", "embedded", "errors", "flows", "host", "layout", "secret", "service", "settings", "store"},
    "": set(),
}

#: Single modules that may import more than the rest of their part: where a process begins, there it is put together.
DOORS: dict[str, set[str]] = {
    "agent.__main__": {"wiring"},
    "cli.platform": {"embedded", "wiring"},
}

#: Parts that only compute: text and values in, text and values out.
PURE = {
    "errors",
    "names",
    "layout",
    "model",
    "schema",
    "settings",
    "manifest",
    "procfile",
    "dotenv",
    "planning",
    "render",
}
#: All that they import from outside. ``pathlib`` for its pure half: what it would do to a disk is forbidden below.
PURE_IMPORTS = {
    *("__future__", "collections", "dataclasses", "datetime", "difflib", "enum", "functools", "io", "math", "pathlib"),
    *("re", "shlex", "typing", "dotenv", "msgspec"),
}
TOUCHES_THE_DISK = {
    *(
        "absolute",
        "chmod",
        "cwd",
        "exists",
        "expanduser",
        "glob",
        "is_dir",
        "is_file",
        "is_symlink",
        "iterdir",
        "lstat",
    ),
    *("mkdir", "open", "read_bytes", "read_text", "readlink", "rename", "replace_file", "resolve", "rglob", "rmdir"),
    *("stat", "symlink_to", "touch", "unlink", "write_bytes", "write_text"),
}

#: What flows leave to the ports: programs, files, sockets, databases.
NOT_IN_FLOWS = {"httpx", "multiprocessing", "os", "psutil", "shutil", "socket", "sqlalchemy", "sqlite3", "subprocess"}

VAGUE_NAMES = {"base", "common", "core", "helper", "helpers", "lib", "manager", "misc", "tools", "util", "utils"}
LONGEST_FILE = 400


class Import(NamedTuple):
    """One import: which module has it, in which line, and what it names."""

    module: str
    line: int
    target: str


class Module(NamedTuple):
    """One file of the package. Names are without ``potions.``; the package itself is the empty name."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def part(self) -> str:
        return self.name.partition(".")[0]

    @property
    def place(self) -> str:
        return str(self.path.relative_to(SOURCE.parent))


@cache
def modules() -> dict[str, Module]:
    found = (Module(_name(path), path, ast.parse(path.read_text())) for path in sorted(SOURCE.rglob("*.py")))
    return {module.name: module for module in found}


def _name(path: Path) -> str:
    return (
        ".".join(path.relative_to(SOURCE / "potions").with_suffix("").parts).removesuffix("__init__").removesuffix(".")
    )


def imports(module: Module) -> Iterator[Import]:
    """Every import of a module. ``from package import module`` names the module."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (Import(module.name, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.place}:{node.lineno}: relative import"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                target = whole if _own(whole) in modules() else str(node.module)
                yield Import(module.name, node.lineno, target)


def _own(target: str) -> str | None:
    """The name within the package; None for what comes from outside."""
    if target != "potions" and not target.startswith("potions."):
        return None
    return target.removeprefix("potions").removeprefix(".")


def internal(module: Module) -> list[Import]:
    found = ((one, _own(one.target)) for one in imports(module))
    return [Import(one.module, one.line, own) for one, own in found if own is not None]


def external(module: Module) -> list[Import]:
    """What is imported from outside, by the name of its package."""
    return [
        Import(one.module, one.line, one.target.partition(".")[0])
        for one in imports(module)
        if _own(one.target) is None
    ]


def is_allowed(module: Module, target: str) -> bool:
    part = target.partition(".")[0]
    allowed = LAYERS[module.part] | DOORS.get(module.name, set())
    return part == module.part or part in allowed or target in allowed


ALL = pytest.mark.parametrize("module", modules().values(), ids=lambda module: module.name or "potions")
PURE_ONES = pytest.mark.parametrize(
    "module", [one for one in modules().values() if one.part in PURE], ids=lambda module: module.name
)


def test_every_part_has_its_place_in_the_table() -> None:
    """A new part is drawn into the table before anybody imports it, and one that is gone leaves it."""
    assert {module.part for module in modules().values()} == set(LAYERS)
    assert set(DOORS) <= set(modules())


@ALL
def test_imports_point_down_only(module: Module) -> None:
    """A module imports from its own part and from the parts that the table gives it."""
    wrong = [
        f"{module.place}:{one.line} {one.target}" for one in internal(module) if not is_allowed(module, one.target)
    ]
    assert wrong == []


def test_the_table_has_no_arrow_that_nobody_needs() -> None:
    """An arrow that is not used any more would let somebody in unnoticed."""
    used: dict[str, set[str]] = {part: set() for part in LAYERS}
    for module in modules().values():
        for one in internal(module):
            used[module.part] |= {one.target, one.target.partition(".")[0]}
    assert {part: allowed - used[part] for part, allowed in LAYERS.items() if allowed - used[part]} == {}


def test_no_import_goes_in_a_circle() -> None:
    """Two modules that need each other are one module, or have a third one between them."""
    graph = {name: {one.target for one in internal(module)} - {name, ""} for name, module in modules().items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@PURE_ONES
def test_what_only_computes_imports_nothing_that_acts(module: Module) -> None:
    """No system, no network, no database: these parts are tested with values alone."""
    assert [f"{one.line} {one.target}" for one in external(module) if one.target not in PURE_IMPORTS] == []


@PURE_ONES
def test_what_only_computes_leaves_the_disk_alone(module: Module) -> None:
    """A path is put together there, and never followed."""
    calls = (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))
    named = ((call.lineno, _called(call.func)) for call in calls)
    assert [f"{module.place}:{line} {name}" for line, name in named if name in TOUCHES_THE_DISK] == []


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


@pytest.mark.parametrize(
    "module", [one for one in modules().values() if one.part == "flows"], ids=lambda module: module.name
)
def test_flows_act_through_ports_alone(module: Module) -> None:
    """Whatever a step does to this computer, it asks a port to do."""
    assert [f"{one.line} {one.target}" for one in external(module) if one.target in NOT_IN_FLOWS] == []


@ALL
def test_a_file_says_what_lives_in_it(module: Module) -> None:
    """It begins with a sentence, is short enough to be read, and its name says more than that there is something."""
    assert (ast.get_docstring(module.tree) or "").partition("\n\n")[0].endswith((".", "!", "?", ":")), module.place
    assert len(module.path.read_text().splitlines()) < LONGEST_FILE, module.place
    assert not VAGUE_NAMES & set(module.name.split(".")), module.place


# The rules themselves


def _fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: Mapping[str, str]) -> list[str]:
    """The imports that the rules refuse in a package made of these files."""
    for name, text in files.items():
        file = tmp_path / "src" / "potions" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.setitem(globals(), "SOURCE", tmp_path / "src")
    modules.cache_clear()
    try:
        every = [(module, one) for module in modules().values() for one in internal(module)]
        return [f"{module.name} → {one.target}" for module, one in every if not is_allowed(module, one.target)]
    finally:
        monkeypatch.undo()
        modules.cache_clear()


@pytest.mark.parametrize(
    ("file", "text", "refused"),
    [
        ("cli/apps.py", "def show():\n    from potions.host import caddy\n", "cli.apps → host.caddy"),
        ("cli/apps.py", "import potions.store.store\n", "cli.apps → store.store"),
        ("cli/apps.py", "from potions import embedded\n", "cli.apps → embedded"),
        ("model/app.py", "from potions.host.caddy import Caddy\n", "model.app → host.caddy"),
        ("host/files.py", "from potions.flows.deploy import deploy\n", "host.files → flows.deploy"),
        ("flows/run.py", "from potions.store import store\n", "flows.run → store.store"),
        ("cli/platform.py", "from potions.embedded import bring_up\n", None),
        ("host/files.py", "from potions.flows import ports\n", None),
    ],
)
def test_the_rules_refuse_what_they_should(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, file: str, text: str, refused: str | None
) -> None:
    """A forbidden import is found in each way it can be written, and a door stays open for its own module alone."""
    others = {
        name: "" for name in ("host/caddy.py", "store/store.py", "embedded.py", "flows/deploy.py", "flows/ports.py")
    }
    assert _fails(monkeypatch, tmp_path, {**others, file: text}) == ([] if refused is None else [refused])
