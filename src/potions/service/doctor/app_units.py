"""The check of an app's units on a server: what serves serves again after a reboot, and nothing else does."""

from __future__ import annotations

from potions.host.doctor.entries import names_in
from potions.host.doctor.units import is_as_written, look_at_services
from potions.layout import Server
from potions.model.doctor import units
from potions.model.doctor.finding import Finding
from potions.model.service import Phase
from potions.service.doctor.look import Look, counted
from potions.service.doctor.scene import AppScene, Scene
from potions.service.programs import programs_of


def look_at_app_units(scene: Scene, app: AppScene) -> Look:
    """Will what serves serve again after a reboot, and nothing else?"""
    home = scene.context.home
    if app.gone or app.damage or app.live is None or not isinstance(home, Server):
        return Look("not looked at", [])
    services = list(programs_of(scene.context, app.app))
    seen = look_at_services(service.name for service, _ in services)
    found: list[Finding] = []
    for service, colour in services:
        unit = units.AppUnitSeen(
            seen[service.name],
            is_as_written(home, service),
            home.spec(service.name).exists(),
            is_live=colour is app.live,
        )
        found += units.judge_app_unit(app.name, unit)
    found += units.judge_starting(_markers(scene, app, home), app=app.name)
    stays_down = (home.stopped / app.name).exists()
    found += units.judge_stopped(app.name, stopped=app.app.stopped, stays_down=stays_down)
    return Look(f"{counted(len(services), 'unit')}, and what starts with the computer", found)


def _markers(scene: Scene, app: AppScene, home: Server) -> list[tuple[str, str]]:
    """Those of this app by which nothing runs; the live slot may have one, and starts without it too."""
    found = []
    for name in names_in(home.starting):
        slot, _, rest = name.partition(".")
        of, _, colour = slot.rpartition("-")
        service = ".".join(word for word in (of, colour, rest) if word)
        runs = scene.state(service).phase in {Phase.RUNNING, Phase.CRASHING, Phase.STOPPING}
        if of == app.name and colour != app.live and not runs:
            found.append((str(home.starting / name), f"{name}.service"))
    return found
