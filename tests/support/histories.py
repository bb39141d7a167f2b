"""An app's past without anything that ran: what deploys and rollbacks would have left in the store and on the disk."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from potions.layout import Colour
from potions.model.app import App
from potions.model.deployment import Deployment, Failure, Kind, Release, SlotContent
from potions.names import ReleaseId
from potions.service.context import Context
from potions.service.pruning import releases_to_prune
from support.archives import file, packed, tar

FAILURE = Failure("app-exited", "The new release ended while it was checked.")


class Past:
    """Deploys one after another into alternate slots. ``keep`` is what every manifest says."""

    def __init__(self, context: Context, app: App, keep: int = 10) -> None:
        self.context = context
        self.app = app
        self.tree = context.tree(app)
        self._store = context.store
        self._keep = keep

    def send(self, content: str) -> Release:
        """An archive with one file of that content; the same content is the same archive."""
        # Not gzip, which writes the time into its header.
        archive = packed(tar([file("content.txt", content.encode())]), "tar.zst")
        id = ReleaseId(sha256(archive).hexdigest())
        self.tree.archive(id, "tar.zst").write_bytes(archive)
        return self._store.add_release(self.app.id, id, "tar.zst", len(archive), content)

    def queue(self, release: Release) -> Deployment:
        return self._store.create_deployment(self.app.id, Kind.DEPLOY, release.id, "ana")

    def deploy(self, content: str) -> Deployment:
        """Send it, and have it serve."""
        return self.succeed(self.queue(self.send(content)))

    def redeploy(self) -> Deployment:
        serving = self.context.live_deployment(self.app)
        assert serving is not None
        return self.succeed(self._store.create_deployment(self.app.id, Kind.REDEPLOY, serving.release.id, "ana"))

    def go_back(self, target: Deployment) -> Deployment:
        """A rollback that needs its target's archive, if its slot does not hold it."""
        held = self.context.trees.holds(self.tree, self.context.trees.live(self.tree).other)
        if held is None or held.release != target.release.id:
            self.context.trees.check_archive(self.tree, target.release)
        environment = self._store.environment_of(target.id)
        rollback = self._store.create_deployment(
            self.app.id, Kind.ROLLBACK, target.release.id, "ana", target.number, *environment
        )
        return self.succeed(rollback, environment[0])

    def succeed(self, deployment: Deployment, environment: Mapping[str, str] | None = None) -> Deployment:
        """It serves, and tidies up behind itself."""
        slot = self.begin(deployment, environment)
        self.tree.slot(slot).mkdir(exist_ok=True)
        release = deployment.release
        held = SlotContent(release.id, release.label, deployment.number, str(self.tree.slot(slot)))
        self.context.trees.rewrite_holds(self.tree, slot, held)
        self.context.trees.point(self.tree, slot)
        self._store.succeed(deployment.id)
        for old in releases_to_prune(self.context, self.app, deployment, self._keep):
            self.context.trees.prune(self.tree, old)
            self._store.prune_release(self.app.id, old.id)
        self._store.drained(deployment.id)
        return self._again(deployment)

    def fail(self, deployment: Deployment) -> Deployment:
        self.begin(deployment)
        self._store.fail(deployment.id, FAILURE)
        return self._again(deployment)

    def cancel(self, deployment: Deployment) -> Deployment:
        self._store.cancel(deployment.id)
        return self._again(deployment)

    def begin(self, deployment: Deployment, environment: Mapping[str, str] | None = None) -> Colour:
        """Its turn has come, with the variables that are saved, or with these; the slot it goes to."""
        saved = {name: one.value for name, one in self._store.variables(self.app.id).items()}
        serving = self.context.live_deployment(self.app)
        slot = self.context.trees.live(self.tree).other
        previous = None if serving is None else serving.number
        variables = saved if environment is None else environment
        self._store.begin(deployment.id, slot, previous, variables, {"PHX_HOST"} & set(variables))
        return slot

    def _again(self, deployment: Deployment) -> Deployment:
        return self._store.deployment(self.app.id, deployment.number)
