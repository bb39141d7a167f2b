"""The lock file that a server installs from: it fits to pyproject.toml, and to what the tests run with."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
SERVER_LOCK = ROOT / "src/potions/server/requirements.lock"
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
HOW = "it is stale: CONTRIBUTING.md says how it is made anew"


def _pins(path: Path) -> dict[str, str]:
    """Each package with its version and hashes, as they stand there."""
    entries = re.split(r"\n(?=\S)", path.read_text().strip())
    return {canonicalize_name(entry.split("==")[0]): entry.strip() for entry in entries}


def _needed() -> Iterator[str]:
    """What pyproject.toml asks for, and all that that needs on a server."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    waiting = [Requirement(text) for text in project["dependencies"]]
    seen: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if (name, frozenset(wanted.extras)) in seen:
            continue
        seen.add((name, frozenset(wanted.extras)))
        yield name
        for text in requires(name) or []:
            further = Requirement(text)
            if further.marker is None or any(further.marker.evaluate({"extra": one}) for one in ("", *wanted.extras)):
                waiting.append(further)


def test_every_package_is_in_it() -> None:
    """Or pip, which is told to install nothing else, would leave a program behind that does not start."""
    assert set(_needed()) <= set(_pins(SERVER_LOCK)), HOW


def test_each_is_exactly_the_one_that_the_tests_run_with() -> None:
    """Version and conditions; and every file that the tests may get is one that a server may get."""
    tested, shipped = _pins(ROOT / "requirements.lock"), _pins(SERVER_LOCK)
    for name, entry in shipped.items():
        assert name in tested, HOW
        assert tested[name].splitlines()[0] == entry.splitlines()[0], HOW
        assert set(_HASH.findall(tested[name])) <= set(_HASH.findall(entry)), HOW


def test_it_satisfies_what_is_asked_for_and_names_no_registry() -> None:
    """A version that pyproject.toml excludes would be installed on servers alone."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = _pins(SERVER_LOCK)
    for text in project["dependencies"]:
        wanted = Requirement(text)
        version = re.match(r"\S+?==(\S+)", pins[canonicalize_name(wanted.name)])
        assert version, HOW
        assert wanted.specifier.contains(version[1]), HOW
    assert "://" not in SERVER_LOCK.read_text()
