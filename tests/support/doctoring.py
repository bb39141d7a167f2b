"""Asking the doctor of a service, and an app in it that has something deployed and nothing running."""

from __future__ import annotations

import os

from potions.layout import Colour
from potions.model.app import App
from potions.model.deployment import Kind, SlotContent
from potions.names import ReleaseId
from potions.schema import FixRequest
from potions.service import Service
from potions.service.context import Context
from support.findings import codes_of

RELEASE = ReleaseId("a" * 64)


def found(service: Service, app: App | None = None) -> list[str]:
    return codes_of(service.doctor.platform() if app is None else service.doctor.app(app.name))


def mend(service: Service, *keys: str) -> dict[str, str]:
    """Fix what is named, or all; what was done, by code."""
    treatment = service.doctor.fix_platform(FixRequest(list(keys) or None))
    return {one.finding.code: one.words for one in treatment.treated if one.done}


def deployed(context: Context, app: App, colour: Colour = Colour.BLUE) -> int:
    """A deployment that succeeded, with its slot; nothing runs of it."""
    store, tree = context.store, context.tree(app)
    release = store.add_release(app.id, RELEASE, "tar.gz", 3, "blog.tar.gz")
    tree.archive(release.id, "tar.gz").write_bytes(b"abc")
    deployment = store.create_deployment(app.id, Kind.DEPLOY, release.id, "ann")
    store.begin(deployment.id, colour, None, {}, [])
    store.succeed(deployment.id)
    store.drained(deployment.id)
    tree.slot(colour).mkdir()
    account = context.world.account
    if account.switch:
        os.chown(tree.slot(colour), account.uid, account.gid)
    tree.slot(colour).chmod(0o750)
    content = SlotContent(release.id, release.label, deployment.number, str(tree.slot(colour)))
    context.trees.rewrite_holds(tree, colour, content)
    context.trees.write_environment(tree, colour, {})
    (tree.slot(colour) / "storage").symlink_to("../storage")
    context.trees.point(tree, colour)
    return deployment.number
