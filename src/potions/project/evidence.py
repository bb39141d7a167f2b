"""What was seen of a project: names of files, and the text of those that say what it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

#: What only keeps an empty directory in a repository; a release may bring a ``storage`` with these in it.
KEEPERS = frozenset({".gitkeep", ".keep", ".gitignore"})

_READ = re.compile(
    r"(?:mix\.exs|Gemfile|Procfile|Pipfile|manage\.py|package\.json|pyproject\.toml|\.gitignore|config/routes\.rb"
    r"|(?:rel/overlays/)?potions\.toml|requirements[\w.-]*\.txt|requirements/[\w.-]+\.txt|next\.config\.\w+"
    r"|config/runtime\.exs|lib/\w+/router\.ex|config/storage\.yml|config/database\.yml"
    r"|(?:src/)?(?:[\w-]+/){0,2}[\w-]+\.(?:py|js|cjs|mjs|ts))\Z"
)
_TESTS = re.compile(r"(?:^|/)(?:tests?|test_\w+\.py|\w+_test\.py|conftest\.py|[\w-]+\.(?:test|spec)\.\w+)(?:/|\Z)")
#: A route in the words of the frameworks for Python and Node: ``@app.get("/health")``, ``path("up/", …)``.
_HEALTH = re.compile(r"""\b(?:get|route|path|add_url_rule|all|use)\(\s*["']/?(healthz?|health-?check|up)(/?)["']""")
#: Phoenix': ``get "/health", PageController, :health``.
_PHOENIX_HEALTH = re.compile(r"""^\s*get\s*\(?\s*"/(healthz?|health-?check|up)\"""", re.MULTILINE)
#: Rails' own: ``get "up" => "rails/health#show"``.
_RAILS_HEALTH = re.compile(
    r"""^\s*get\s+["']/?([\w/-]+)["']\s*(?:=>|,\s*to:)\s*["']rails/health#show["']""", re.MULTILINE
)


class Project(msgspec.Struct, frozen=True):
    """A directory with a project in it. Paths are relative, with ``/`` between their parts."""

    name: str
    """The directory's own name."""
    files: frozenset[str]
    """Regular files, not too deep below; none of them hidden, but for a few that are looked for."""
    texts: dict[str, str]
    """What stands in those of them that `is_read` picks, in the order of their paths."""
    shipped: tuple[str, ...] = ()
    """Some of the directories below its ``storage`` that it brings along."""

    def text(self, path: str) -> str:
        """What stands in a file; nothing where there is none."""
        return self.texts.get(path, "")

    def mentions(self, words: str) -> bool:
        """Whether any file that was read has these words in it; what the project says about Potions does not count."""
        return any(words in text for path, text in self.texts.items() if not path.endswith("potions.toml"))

    def sources(self, *suffixes: str) -> Iterator[tuple[str, str]]:
        """Path and text of the program's own files, without its tests; those nearest to the top first."""
        chosen = (path for path in self.texts if path.endswith(suffixes) and not _TESTS.search(path))
        for path in sorted(chosen, key=lambda path: (path.count("/"), path)):
            yield path, self.texts[path]

    def table(self, path: str) -> dict[str, Any]:
        """What a TOML or JSON file holds; an empty table where it is missing or broken."""
        return self._read(path) or {}

    def is_broken(self, path: str) -> bool:
        """Whether a TOML or JSON file is there and cannot be read as one that holds a table."""
        return path in self.texts and self._read(path) is None

    def _read(self, path: str) -> dict[str, Any] | None:
        decode = msgspec.json.decode if path.endswith(".json") else msgspec.toml.decode
        try:
            return decode(self.text(path), type=dict[str, Any])
        except (msgspec.DecodeError, RecursionError, ValueError):
            return None


def is_read(path: str) -> bool:
    """Whether the text of this file can say something about the project."""
    return _READ.match(path) is not None


def table(value: object) -> dict[str, Any]:
    """``value`` where it is a table; an empty one for anything else that a file may have in its place."""
    return value if isinstance(value, dict) else {}


def health_route(project: Project) -> tuple[str, str] | None:
    """A path that is there to say whether the app is well, and the file with its route."""
    rails = _RAILS_HEALTH.search(project.text("config/routes.rb"))
    if rails:
        return f"/{rails[1]}", "config/routes.rb"
    for path, text in project.sources("/router.ex"):
        found = _PHOENIX_HEALTH.search(text)
        if found:
            return f"/{found[1]}", path
    for path, text in project.sources(".py", ".js", ".cjs", ".mjs", ".ts"):
        found = _HEALTH.search(text)
        if found:
            return f"/{found[1]}{found[2]}", path
    return None
