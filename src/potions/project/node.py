"""Projects in Node, by their ``package.json``: Next.js, and any server that a start script runs."""

from __future__ import annotations

import re
import shlex

from potions.project.evidence import Project, table
from potions.project.proposal import Proposal, Setting

_ENV = {"NODE_ENV": "production"}
_BUILD = "In the slot, as the app's user."
_WITH_DEV = _BUILD + " With the packages for development, because the build script may need them."
_START = "Listens on the slot's own port, for the proxy on this computer alone."

_SERVERS = {
    "express": "Express",
    "fastify": "Fastify",
    "koa": "Koa",
    "@hapi/hapi": "hapi",
    "@nestjs/core": "NestJS",
    "hono": "Hono",
    "nuxt": "Nuxt",
    "@sveltejs/kit": "SvelteKit",
    "@remix-run/node": "Remix",
    "astro": "Astro",
}
_PLAIN = re.compile(r"node(?: --?[\w=-]+)* ([\w./-]+)\Z")
_STANDALONE = re.compile(r"""\boutput\s*:\s*["']standalone["']""")
_FALLBACK = 'path.resolve(process.env.STORAGE_DIR || path.join(__dirname, "storage"))'


def node_proposal(project: Project) -> Proposal | None:
    """What fits a project in Node; None where this is none."""
    if "package.json" not in project.files:
        return None
    package = project.table("package.json")
    needs = table(package.get("dependencies"))
    scripts = {name: words for name, words in table(package.get("scripts")).items() if isinstance(words, str)}
    if "next" in needs:
        return _next(project, package)
    name = next((title for package_name, title in _SERVERS.items() if package_name in needs), "Node")
    entry, start = _start(project, package, scripts)
    return Proposal(
        name,
        _evidence(project),
        _build(project, package, builds="build" in scripts),
        start,
        env=_ENV,
        notes=(*_lock_note(project), *_port_note(project, entry)),
        fallback=_FALLBACK,
    )


def _evidence(project: Project) -> tuple[str, ...]:
    locks = ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml")
    return ("package.json", *(lock for lock in locks if lock in project.files))


def _build(project: Project, package: dict[str, object], *, builds: bool, more: tuple[str, ...] = ()) -> Setting:
    install = _install(project, package, dev=builds)
    if not builds:
        return Setting((install,), _BUILD)
    return Setting((install, "npm run build", *more), _WITH_DEV)


def _install(project: Project, package: dict[str, object], *, dev: bool) -> str:
    """The command of the project's own package manager that installs exactly what is locked."""
    # NODE_ENV is "production" during the build too, which leaves development packages out unless they are asked for.
    if "pnpm-lock.yaml" in project.files:
        return f"npx --yes {_manager(package, 'pnpm')} install --frozen-lockfile {'--prod=false' if dev else '--prod'}"
    if "yarn.lock" in project.files:
        return f"npx --yes yarn@1 install --frozen-lockfile --production={'false' if dev else 'true'}"
    verb = "ci" if {"package-lock.json", "npm-shrinkwrap.json"} & project.files else "install"
    return f"npm {verb} {'--include=dev' if dev else '--omit=dev'}"


def _manager(package: dict[str, object], name: str) -> str:
    """The package manager with the version that the project asks for."""
    asked = package.get("packageManager")
    wanted = re.match(rf"{name}@[\w.-]+", asked) if isinstance(asked, str) else None
    return wanted[0] if wanted else name


def _start(project: Project, package: dict[str, object], scripts: dict[str, str]) -> tuple[str, Setting]:
    """The file that is started, where it can be told, and how."""
    words = scripts.get("start")
    main = package.get("main")
    if words is not None:
        plain = _PLAIN.match(words)
        # Without npm between them, the app hears signals itself and its exit status is its own.
        return (plain[1], Setting((words,), _START)) if plain else ("", Setting(("npm start",), _START))
    if "server.js" in project.files:
        return "server.js", Setting(("node server.js",), f"What `npm start` runs where no script says it. {_START}")
    if isinstance(main, str) and main.removeprefix("./") in project.files:
        path = main.removeprefix("./")
        return path, Setting((f"node {shlex.quote(path)}",), f"package.json calls it main. {_START}")
    why = "Not known: package.json has no start script, and there is no server.js."
    return "", Setting(why=why, example="node index.js")


def _lock_note(project: Project) -> tuple[str, ...]:
    if len(_evidence(project)) > 1:
        return ()
    return ("There is no lock file, so every build may get other versions; `npm install` makes package-lock.json.",)


def _port_note(project: Project, entry: str) -> tuple[str, ...]:
    if not project.text(entry) or "PORT" in project.text(entry):
        return ()
    return (f"{entry} does not mention PORT; it has to listen on process.env.PORT, of 127.0.0.1.",)


def _next(project: Project, package: dict[str, object]) -> Proposal:
    config = next((path for path in project.texts if re.match(r"next\.config\.\w+\Z", path)), "")
    start = "node_modules/.bin/next start --hostname 127.0.0.1 --port $PORT"
    more: tuple[str, ...] = ()
    notes = _lock_note(project)
    if _STANDALONE.search(project.text(config)):
        start = "HOSTNAME=127.0.0.1 node .next/standalone/server.js"
        more = ("cp -r .next/static .next/standalone/.next/static",)
        if any(path.startswith("public/") for path in project.files):
            more += ("cp -r public .next/standalone/public",)
        notes += ("The standalone server changes its directory: it reaches storage by STORAGE_DIR, not by ./storage.",)
    return Proposal(
        "Next.js",
        ("next in package.json", *((config,) if config else ())),
        _build(project, package, builds=True, more=more),
        Setting((start,), _START),
        env=_ENV,
        notes=notes,
        fallback='path.resolve(process.env.STORAGE_DIR || "storage")',
    )
