"""Who may import whom in ``src/potions``, walked over the source: every import counts, those inside functions too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

#: Each part of the package, and the parts it may import. Whoever needs one more draws the arrow here, and says why.
LAYERS: dict[str, set[str]] = {
    # Words that everything else uses
    "errors": set(),
    "harmless": set(),
    "names": {"errors"},
    "domain_names": {"errors", "names"},
    "layout": set(),
    "model": {"errors", "layout", "names"},
    "schema": {"layout", "model"},
    "settings": set(),
    "homes": {"layout"},
    "secret": {"errors", "model"},
    # Files that people write
    "manifest": {"errors", "model", "names"},
    "procfile": {"errors", "model", "names"},
    "dotenv": {"errors", "names"},
    "planning": {"manifest", "model", "procfile"},
    "project": {"errors", "manifest", "model", "names", "procfile"},
    "checkout": {"errors", "project"},
    "packing": {"errors", "model"},
    "tar_format": set(),
    "listening": set(),
    "turns": set(),
    "zip_names": set(),
    # Files of this computer, to and from a storage
    "local": {"errors", "model", "names", "tar_format"},
    # From values to programs
    "render": {"errors", "layout", "model", "settings"},
    "launcher": set(),
    "flows": {"errors", "layout", "model", "planning"},
    "host": {
        "errors",
        "flows.ports",
        "launcher",
        "layout",
        "model",
        "names",
        "render",
        "secret",
        "settings",
        "tar_format",
        "zip_names",
    },
    "store": {"errors", "layout", "model", "names", "schema"},
    "service": {
        "",
        "domain_names",
        # How a server is otherwise than it was made, the install's own steps say.
        "server.looks",
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
    "agent": {"", "errors", "layout", "listening", "model", "names", "schema", "service", "turns"},
    "client": {"", "errors", "layout", "names", "schema"},
    "private_file": {"errors"},
    "ssh": {"errors", "private_file"},
    "dashboard": {"client", "errors", "harmless", "listening", "names", "schema", "turns"},
    "cli": {
        "",
        "checkout",
        "client",
        "domain_names",
        "errors",
        "harmless",
        "homes",
        "local",
        "manifest",
        "names",
        "packing",
        "private_file",
        "project",
        "schema",
        "ssh",
    },
    "embedded": {"", "client", "errors", "host", "layout", "model", "render", "schema", "settings"},
    "server": {"client", "errors", "host", "layout", "model", "render", "schema", "settings"},
    "embedded_doctor": {"", "client", "embedded", "errors", "host", "layout", "model", "schema", "settings"},
    "server_doctor": {"", "client", "embedded", "errors", "host", "layout", "model", "schema", "server", "settings"},
    "wiring": {"agent", "embedded", "errors", "flows", "host", "layout", "secret", "service", "settings", "store"},
    "": set(),
}

#: Single modules that may import more than the rest of their part: where a process begins, there it is put together.
DOORS: dict[str, set[str]] = {
    "agent.__main__": {"wiring"},
    "dashboard.__main__": {"layout", "settings"},
    "cli.doctor": {"embedded_doctor", "layout", "server_doctor"},
    "cli.platform": {"embedded", "wiring"},
    "cli.server_add": {"server"},
    "cli.server_install": {"server"},
    # Which servers were added here is written in a file of the user's.
    "service.known_servers": {"ssh.remembered"},
    # Another computer is made a server through SSH.
    "server.over_ssh": {"ssh"},
}

#: Parts that only compute: text and values in, text and values out.
PURE = {
    "domain_names",
    "errors",
    "harmless",
    "names",
    "layout",
    "model",
    "schema",
    "settings",
    "manifest",
    "procfile",
    "dotenv",
    "planning",
    "project",
    "render",
}
#: All that they import from outside. ``pathlib`` for its pure half: what it would do to a disk is forbidden below.
PURE_IMPORTS = {
    *(
        "__future__",
        "collections",
        "dataclasses",
        "datetime",
        "difflib",
        "enum",
        "functools",
        "io",
        "ipaddress",
        "math",
        "pathlib",
    ),
    *("re", "shlex", "textwrap", "typing", "urllib", "dotenv", "idna", "msgspec"),
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
    """One import: where it stands, and what it names. Names within the package are without ``potions.``."""

    place: str
    target: str


class Module(NamedTuple):
    """One file of the package; the package itself has the empty name."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def part(self) -> str:
        return self.name.partition(".")[0]

    def place(self, line: int) -> str:
        return f"{self.path.name}:{line}"


class Package:
    """All modules below ``source``/potions, and their imports."""

    def __init__(self, source: Path) -> None:
        self._root = source / "potions"
        found = (
            Module(self._name(path), path, ast.parse(path.read_text())) for path in sorted(self._root.rglob("*.py"))
        )
        self.modules = {module.name: module for module in found}

    def internal(self, module: Module) -> list[Import]:
        """What a module imports of the package itself. ``from package import module`` names the module."""
        found = ((place, self._own(target)) for place, target in self._imports(module))
        return [Import(place, own) for place, own in found if own is not None]

    def external(self, module: Module) -> list[Import]:
        """What a module imports from outside, by the name of the outermost package."""
        found = self._imports(module)
        return [Import(place, target.partition(".")[0]) for place, target in found if self._own(target) is None]

    def refused(self, module: Module) -> list[str]:
        """The imports that the table does not allow."""
        allowed = LAYERS.get(module.part, set()) | DOORS.get(module.name, set()) | {module.part}
        return [
            f"{place} {target}"
            for place, target in self.internal(module)
            if not {target, target.partition(".")[0]} & allowed
        ]

    def _name(self, path: Path) -> str:
        parts = path.relative_to(self._root).with_suffix("").parts
        return ".".join(part for part in parts if part != "__init__")

    def _imports(self, module: Module) -> Iterator[Import]:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import):
                yield from (Import(module.place(node.lineno), alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module.place(node.lineno)}: relative import"
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    yield Import(
                        module.place(node.lineno), whole if self._own(whole) in self.modules else str(node.module)
                    )

    @staticmethod
    def _own(target: str) -> str | None:
        """The name within the package; None for what comes from outside."""
        if target != "potions" and not target.startswith("potions."):
            return None
        return target.removeprefix("potions").removeprefix(".")


PACKAGE = Package(Path(__file__).parents[2] / "src")
MODULES = PACKAGE.modules.values()

ALL = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name or "potions")
PURE_ONES = pytest.mark.parametrize(
    "module", [one for one in MODULES if one.part in PURE], ids=lambda module: module.name
)


def test_every_part_has_its_place_in_the_table() -> None:
    """A new part is drawn into the table before anybody imports it, and one that is gone leaves it."""
    assert {module.part for module in MODULES} == set(LAYERS)
    assert set(DOORS) <= set(PACKAGE.modules)


@ALL
def test_imports_point_down_only(module: Module) -> None:
    """A module imports from its own part and from the parts that the table gives it."""
    assert PACKAGE.refused(module) == []


def test_the_table_has_no_arrow_that_nobody_needs() -> None:
    """An arrow that is not used any more would let somebody in unnoticed."""
    used: dict[str, set[str]] = {part: set() for part in LAYERS}
    for module in MODULES:
        for one in PACKAGE.internal(module):
            used[module.part] |= {one.target, one.target.partition(".")[0]}
    assert {part: allowed - used[part] for part, allowed in LAYERS.items() if allowed - used[part]} == {}


def test_no_import_goes_in_a_circle() -> None:
    """Two modules that need each other are one module, or have a third one between them."""
    graph = {
        name: {one.target for one in PACKAGE.internal(module)} - {name, ""} for name, module in PACKAGE.modules.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@PURE_ONES
def test_what_only_computes_imports_nothing_that_acts(module: Module) -> None:
    """No system, no network, no database: these parts are tested with values alone."""
    assert [f"{one.place} {one.target}" for one in PACKAGE.external(module) if one.target not in PURE_IMPORTS] == []


@PURE_ONES
def test_what_only_computes_leaves_the_disk_alone(module: Module) -> None:
    """A path is put together there, and never followed."""
    calls = (node for node in ast.walk(module.tree) if isinstance(node, ast.Call))
    named = ((call.lineno, _called(call.func)) for call in calls)
    assert [f"{module.place(line)} {name}" for line, name in named if name in TOUCHES_THE_DISK] == []


def _called(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


@pytest.mark.parametrize("module", [one for one in MODULES if one.part == "flows"], ids=lambda module: module.name)
def test_flows_act_through_ports_alone(module: Module) -> None:
    """Whatever a step does to this computer, it asks a port to do."""
    assert [f"{one.place} {one.target}" for one in PACKAGE.external(module) if one.target in NOT_IN_FLOWS] == []


@ALL
def test_a_file_says_what_lives_in_it(module: Module) -> None:
    """It begins with a sentence, is short enough to be read, and its name says more than that there is something."""
    sentence = (ast.get_docstring(module.tree) or "").partition("\n\n")[0]
    assert sentence.endswith((".", "!", "?", ":"))
    assert len(module.path.read_text().splitlines()) < LONGEST_FILE
    assert not VAGUE_NAMES & set(module.name.split("."))


# The rules themselves


@pytest.mark.parametrize(
    ("file", "text", "refused"),
    [
        ("cli/apps.py", "def show():\n    from potions.host import caddy\n", ["apps.py:2 host.caddy"]),
        ("cli/apps.py", "import potions.store.store\n", ["apps.py:1 store.store"]),
        ("cli/apps.py", "from potions import embedded, errors\n", ["apps.py:1 embedded"]),
        ("cli/platform.py", "from potions.embedded import bring_up\n", []),
        ("model/app.py", "from potions.host.caddy import Caddy\n", ["app.py:1 host.caddy"]),
        ("host/files.py", "from potions.flows.deploy import deploy\n", ["files.py:1 flows.deploy"]),
        ("host/files.py", "from potions.flows.ports import Answer\nfrom potions.flows import ports\n", []),
        ("flows/run.py", "from potions.store import store\n", ["run.py:1 store.store"]),
    ],
)
def test_the_rules_refuse_what_they_should(tmp_path: Path, file: str, text: str, refused: list[str]) -> None:
    """A forbidden import is found in each way it can be written, and a door is open for its own module alone."""
    others = ("host/caddy.py", "store/store.py", "embedded.py", "errors.py", "flows/deploy.py", "flows/ports.py")
    for name, content in {**dict.fromkeys(others, ""), file: text}.items():
        path = tmp_path / "potions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    package = Package(tmp_path)
    assert [line for module in package.modules.values() for line in package.refused(module)] == refused
