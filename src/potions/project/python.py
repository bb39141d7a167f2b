"""Projects in Python: Django, FastAPI, Starlette and Flask, by their requirements and their source."""

from __future__ import annotations

import re
from typing import NamedTuple

from potions.project.evidence import Project, table
from potions.project.proposal import Proposal, Setting

_PIP = "python3 -m venv .venv"
_ENV = {"PYTHONUNBUFFERED": "1"}
_BUILD = "In the slot, as the app's user. A virtual environment works in one place only, so each release makes its own."
_START = "Listens on the slot's own port, for the proxy on this computer alone."
_THREADS = _START + " Threads, so that one slow upload does not hold up the others."

_MIGRATE = ".venv/bin/python manage.py migrate --no-input"
_WHEN_MIGRATED = "While the old release serves, before this one."

_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)\s*(\[[^\]\n]*\])?", re.MULTILINE)
_SETTINGS = re.compile(r"""DJANGO_SETTINGS_MODULE["']\s*,\s*["']([A-Za-z_][\w.]*)["']""")
_MADE = r"^([A-Za-z_]\w*)\s*(?::[^=\n]+)?=\s*(?:\w+\.)?{maker}\("
_FACTORY = re.compile(r"^def ((?:create|make|build)_app)\(", re.MULTILINE)

_FALLBACK = 'Path(os.environ.get("STORAGE_DIR") or Path(__file__).parent / "storage").absolute()'
_DJANGO_FALLBACK = 'Path(os.environ.get("STORAGE_DIR") or BASE_DIR / "storage").absolute()'


class Kit(NamedTuple):
    """How a project says what it needs, and how that is installed."""

    told_by: str
    """The file."""
    install: tuple[str, ...]
    takes_more: bool
    """Whether one more package can be installed beside what the project asks for."""


class Server(NamedTuple):
    """What answers the requests: a package of its own, and how it is started."""

    package: str
    start: Setting


def python_proposal(project: Project) -> Proposal | None:
    """What fits a project in Python; None where this is none."""
    needs = requirements(project)
    kit = _kit(project)
    if "DJANGO_SETTINGS_MODULE" in project.text("manage.py"):
        return _django(project, kit, needs)
    for name, maker in (("fastapi", "FastAPI"), ("starlette", "Starlette"), ("flask", "Flask")):
        if name in needs:
            return _web(project, kit, needs, name, maker)
    if kit is None:
        return None
    return Proposal("Python", (kit.told_by,), _build(kit), _unknown_start("python3 -u main.py"), env=_ENV)


def requirements(project: Project) -> set[str]:
    """The names of the packages that a project asks for, as package indexes spell them; an extra as ``name[extra]``."""
    pyproject = project.table("pyproject.toml")
    asked = table(pyproject.get("project")).get("dependencies")
    lines = [line for line in asked if isinstance(line, str)] if isinstance(asked, list) else []
    lines += table(table(table(pyproject.get("tool")).get("poetry")).get("dependencies"))
    lines += table(project.table("Pipfile").get("packages"))
    lines += [text for path, text in project.texts.items() if re.match(r"requirements[\w./-]*\.txt\Z", path)]
    found: set[str] = set()
    for name, extra in (match for line in lines for match in _REQUIREMENT.findall(line)):
        spelt = re.sub(r"[-_.]+", "-", name).lower()
        found |= {spelt, *(f"{spelt}[{one.strip()}]" for one in extra.strip("[]").split(",") if one.strip())}
    return found


def _kit(project: Project) -> Kit | None:
    if "uv.lock" in project.files:
        install = (_PIP, ".venv/bin/pip install uv", ".venv/bin/uv sync --frozen --no-dev --inexact")
        return Kit("uv.lock", install, takes_more=False)
    if "poetry.lock" in project.files:
        install = (
            "python3 -m venv .poetry",
            ".poetry/bin/pip install poetry",
            "POETRY_VIRTUALENVS_IN_PROJECT=1 .poetry/bin/poetry install --only main --no-interaction",
        )
        return Kit("poetry.lock", install, takes_more=False)
    if "Pipfile.lock" in project.files:
        install = (
            "python3 -m venv .pipenv",
            ".pipenv/bin/pip install pipenv",
            "PIPENV_VENV_IN_PROJECT=1 .pipenv/bin/pipenv sync",
        )
        return Kit("Pipfile.lock", install, takes_more=False)
    for path in ("requirements.txt", "requirements/production.txt", "requirements/prod.txt"):
        if path in project.files:
            return Kit(path, (_PIP, f".venv/bin/pip install -r {path}"), takes_more=True)
    if "dependencies" in table(project.table("pyproject.toml").get("project")):
        return Kit("pyproject.toml", (_PIP, ".venv/bin/pip install ."), takes_more=True)
    return None


def _build(kit: Kit | None, *more: str) -> Setting:
    if kit is None:
        return Setting(
            why="Not known: no requirements.txt, pyproject.toml or lock file says what has to be installed.",
            example=f"{_PIP} && .venv/bin/pip install -r requirements.txt",
        )
    return Setting((*kit.install, *more), _BUILD)


# Django


def _django(project: Project, kit: Kit | None, needs: set[str]) -> Proposal:
    server = _django_server(project, needs)
    server, more, notes = _added(server, kit, needs)
    if project.mentions("STATIC_ROOT"):
        more = (*more, ".venv/bin/python manage.py collectstatic --no-input")
    else:
        notes += ("No STATIC_ROOT was found, so the build collects no static files.",)
    settings = _SETTINGS.search(project.text("manage.py"))
    if settings and settings[1].rpartition(".")[2] in {"local", "dev", "development"}:
        notes += (f"manage.py uses {settings[1]}; set DJANGO_SETTINGS_MODULE in [env] to the settings for production.",)
    return Proposal(
        "Django",
        ("manage.py", *((kit.told_by,) if kit else ())),
        _build(kit, *more),
        server.start,
        Setting((_MIGRATE,), _WHEN_MIGRATED) if kit else Setting(why=_WHEN_MIGRATED, example=_MIGRATE),
        env=_ENV,
        notes=notes,
        fallback=_DJANGO_FALLBACK,
    )


def _django_server(project: Project, needs: set[str]) -> Server:
    name = "uvicorn" if "uvicorn" in needs and "gunicorn" not in needs else "gunicorn"
    kind = "asgi" if name == "uvicorn" else "wsgi"
    found = [path for path in project.files if re.fullmatch(rf"(?:\w+/){{1,2}}{kind}\.py", path)]
    if len(found) != 1:
        example = f".venv/bin/gunicorn --bind 127.0.0.1:$PORT --threads 8 PROJECT.{kind}"
        return Server(name, Setting(why=f"Not known: which {kind}.py is it?", example=example))
    module = found[0].removesuffix(".py").replace("/", ".")
    if name == "uvicorn":
        return _serve("uvicorn", f"{module}:application")
    return _serve("gunicorn", module)


# FastAPI, Starlette and Flask


def _web(project: Project, kit: Kit | None, needs: set[str], name: str, maker: str) -> Proposal:
    wsgi = name == "flask"
    package = _wsgi_server(needs) if wsgi else _asgi_server(needs)
    found = _objects(project, maker)
    if len(found) == 1:
        server = _serve(package, found[0])
    else:
        example = _serve(package, "MODULE:app").start.value[0]
        which = "which of these is it? " + ", ".join(found) if found else f"no `app = {maker}(…)` was found."
        server = Server(package, Setting(why=f"Not known: {which}", example=example))
    server, more, notes = _added(server, kit, needs)
    evidence = f"{name} in {kit.told_by}" if kit else name
    return Proposal(maker, (evidence,), _build(kit, *more), server.start, env=_ENV, notes=notes, fallback=_FALLBACK)


def _objects(project: Project, maker: str) -> list[str]:
    """Where the app is, as servers are told it: ``main:app``, or ``pages:create_app()`` for what makes it."""
    made = re.compile(_MADE.format(maker=maker), re.MULTILINE)
    by_factory = re.compile(_MADE.format(maker="(?:create|make|build)_app"), re.MULTILINE)
    found: list[str] = []
    factories: list[str] = []
    for path, text in project.sources(".py"):
        names = [*made.findall(text), *by_factory.findall(text)]
        found += [f"{_module(path)}:{name}" for name in names]
        factories += [f"{_module(path)}:{name}()" for name in _FACTORY.findall(text) if maker == "Flask"]
    # What a project keeps for its server says it best.
    doors = [one for one in found if re.match(r"(?:wsgi|asgi):", one)]
    return (doors if len(doors) == 1 else found) or factories


def _module(path: str) -> str:
    """The module of a file; one below ``src/`` with that as a prefix, which `_serve` turns into an option."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _wsgi_server(needs: set[str]) -> str:
    return "waitress" if "waitress" in needs and "gunicorn" not in needs else "gunicorn"


def _asgi_server(needs: set[str]) -> str:
    return "hypercorn" if "hypercorn" in needs and "uvicorn" not in needs else "uvicorn"


def _serve(package: str, place: str) -> Server:
    below, place = ("src", place.removeprefix("src.")) if place.startswith("src.") else ("", place)
    quoted = f"'{place}'" if "(" in place else place
    commands = {
        "gunicorn": f"gunicorn --bind 127.0.0.1:$PORT --threads 8{' --pythonpath src' * bool(below)} {quoted}",
        "waitress": f"waitress-serve --listen=127.0.0.1:$PORT {_called(place)}",
        "uvicorn": f"uvicorn --host 127.0.0.1 --port $PORT{' --app-dir src' * bool(below)} {quoted}",
        "hypercorn": f"hypercorn --bind 127.0.0.1:$PORT {quoted}",
    }
    prefix = "PYTHONPATH=src " if below and package in {"waitress", "hypercorn"} else ""
    why = _THREADS if package == "gunicorn" else _START
    return Server(package, Setting((f"{prefix}.venv/bin/{commands[package]}",), why))


def _called(place: str) -> str:
    """Waitress takes a function that makes the app by an option, and without parentheses."""
    return f"--call {place.removesuffix('()')}" if place.endswith("()") else place


def _added(server: Server, kit: Kit | None, needs: set[str]) -> tuple[Server, tuple[str, ...], tuple[str, ...]]:
    """The server, as it can be started; the steps that install one which the project does not ask for; a word on it."""
    package = server.package
    if kit is None:
        return _only_an_example(server, "Not known, because nothing says what is installed."), (), ()
    if package in needs or (package == "uvicorn" and {"fastapi[standard]", "fastapi[all]"} & needs):
        return server, (), ()
    if not kit.takes_more:
        why = f"{package} is not among the project's requirements. Add it there, then start the app with it:"
        return _only_an_example(server, why), (), ()
    note = f"{package} is not in {kit.told_by}, so the build installs its newest version; add it there, with a version."
    return server, (f".venv/bin/pip install {package}",), (note,)


def _only_an_example(server: Server, why: str) -> Server:
    start = server.start
    return Server(server.package, Setting(why=why, example=start.value[0]) if start.value else start)


def _unknown_start(example: str) -> Setting:
    return Setting(why="Not known: a command that listens on $PORT of 127.0.0.1.", example=example)
