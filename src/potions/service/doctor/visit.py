"""The check of a visitor's way to one app: a request through the proxy. An app that hangs takes its time for it."""

from __future__ import annotations

from potions.flows.run import plan_in
from potions.flows.verify import is_good
from potions.model.doctor.visits import VisitSeen, judge_visit
from potions.model.plan import Health
from potions.model.service import Phase
from potions.service.doctor.look import Look
from potions.service.doctor.scene import AppScene, Scene

#: One that was lost is forgiven.
_TRIES = 2


def look_at_visit(scene: Scene, app: AppScene) -> Look:
    """Ask as a visitor would, where one should be answered right now."""
    if app.live is None or not _is_answered(scene, app):
        return Look("nobody was asked", [])
    held = app.serves
    health = Health() if held is None else plan_in(scene.context.world, app.tree, app.live).manifest.health
    path = health.path or "/"
    found = []
    for _ in range(_TRIES):
        answer = scene.context.proxy.ask(app.name, path)
        seen = VisitSeen(app.name, path, app.live, None)
        if answer is not None:
            seen = VisitSeen(app.name, path, app.live, answer.status, answer.slot, is_good(answer, health))
        found = list(judge_visit(seen))
        if not found:
            return Look(f"GET {path} is answered with {seen.status} by {seen.slot}", [])
    return Look(f"GET {path}", found)


def _is_answered(scene: Scene, app: AppScene) -> bool:
    """Whether its live slot runs, and neither a deploy nor a stopped app keeps visitors waiting or away."""
    if app.live is None or app.serves is None or app.app.stopped or scene.jobs.is_running(app.app.id):
        return False
    held = scene.context.trees.is_held(app.tree, app.live)
    return not held and scene.web(app, app.live).phase is Phase.RUNNING
