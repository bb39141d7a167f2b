"""A deploy and a rollback, as lists of steps. Whoever reads ``deploy()`` has seen the whole deploy."""

from __future__ import annotations

from potions.errors import ArchiveBroken, ArchiveUnreadable, ArchiveUnsafe, InternalError
from potions.flows import build, handover, holding, slots, switch, verify, workers
from potions.flows.run import SlotRun
from potions.flows.step import Flow, PointOfNoReturn, Step
from potions.model.deployment import Status

#: The point of no return.
SWITCH = "switch"


def deploy() -> Flow[SlotRun]:
    """Unpack a release into the idle slot, run and check it there, switch, and let the other slot finish.

    In a hand-over the other slot stops before this one starts, and visitors wait meanwhile.
    """
    return Flow(
        steps=(
            Step("receive", receive_archive, status=Status.BUILDING),
            Step("unpack", unpack_into_idle_slot, undo=put_slot_back),
            Step("link storage", link_storage, status=building_or_deploying),
            Step("configure", slots.configure_slot),
            Step("site", put_site),
            Step("build", build.build, undo=build.stop_build, when=build.has_build),
            Step(
                "migrate",
                build.migrate,
                undo=build.stop_migration,
                when=build.has_migration,
                status=Status.MIGRATING,
                cancellable=False,
            ),
            *_HAND_OVER,
            Step("start", slots.start_slot, undo=switch.stop_new_slot, status=Status.VERIFYING),
            Step("verify", verify.verify_slot),
            *_SWITCH,
        ),
        after=_TIDY,
    )


def rollback() -> Flow[SlotRun]:
    """Bring back what the idle slot still holds. No rebuild, no migration; nothing to start if it still runs."""
    return Flow(
        steps=(
            Step("claim", claim_slot, undo=give_slot_back, status=Status.VERIFYING),
            Step("configure", slots.configure_slot, when=is_cold),
            Step("site", put_site, when=is_cold),
            *_HAND_OVER,
            Step("start", slots.start_slot, undo=switch.stop_new_slot, when=is_cold),
            Step("verify", verify.verify_slot, when=is_cold),
            *_SWITCH,
        ),
        after=_TIDY,
    )


_HAND_OVER = (
    Step(
        holding.HOLD,
        holding.hold_requests,
        undo=holding.send_requests_back,
        when=handover.is_handover,
        status=Status.VERIFYING,
    ),
    Step(
        "stop old",
        handover.stop_old_slot,
        undo=handover.start_old_slot,
        when=handover.is_handover,
        cancellable=False,
    ),
)

_SWITCH = (
    PointOfNoReturn(SWITCH, switch.point_traffic_at_slot, undo=switch.point_traffic_back, cancellable=False),
    Step("confirm", switch.check_through_the_proxy, cancellable=False),
    Step(
        "workers",
        workers.start_workers,
        undo=workers.stop_workers,
        when=workers.has_workers,
        cancellable=False,
    ),
)


def is_overlap(run: SlotRun) -> bool:
    """Whether the slot that served before runs on until it has drained."""
    return not run.is_handover


_TIDY = (
    Step("stop workers", workers.stop_old_workers, when=workers.has_old_workers),
    Step("drain", switch.drain_other_slot, when=is_overlap),
    Step("retire", switch.retire_other_slot),
)


def receive_archive(run: SlotRun) -> None:
    """See that the archive is whole, and settle what an earlier deploy left in the slot."""
    trees = run.world.trees
    trees.end_hold(run.tree, run.slot)
    trees.verify_archive(run.tree, run.deployment.release)
    serving = run.serving()
    if serving is not None and serving.deployment.release.id == run.deployment.release.id:
        run.log.note(f"{run.deployment.release.label} serves already; it is started anew in the other slot")
    held = trees.holds(run.tree, run.slot)
    if held is not None and run.served(held.deployment):
        trees.discard_parked(run.tree, run.slot)
    else:
        trees.put_back(run.tree, run.slot)


def unpack_into_idle_slot(run: SlotRun) -> None:
    release = run.deployment.release
    try:
        unpacked = run.world.trees.unpack(run.tree, run.slot, release, report=run.log.progress, cancelled=run.cancelled)
    except (ArchiveBroken, ArchiveUnsafe, ArchiveUnreadable):
        # No later deploy can use these bytes, and kept ones would stand in for a whole archive sent again.
        run.world.trees.prune(run.tree, release)
        run.forget_release(release)
        raise
    run.remember_contents(unpacked.files, unpacked.bytes)
    slots.stop_slot(run)
    run.world.trees.place(run.tree, run.slot, run.content_without_plan)
    run.log.note(f"{release.label}: {unpacked.files:,} files, {unpacked.bytes:,} bytes in {run.slot}")
    if unpacked.shadows:
        run.log.note(f"left out {unpacked.shadows:,} files that macOS packs beside others (._NAME, __MACOSX)")
    # Now, while nothing of it has run; and a release that does not say how it is run fails in the step that brought it.
    run.world.trees.rewrite_holds(run.tree, run.slot, run.content)
    run.log.note(f"it starts with: {run.plan.start}")


def building_or_deploying(run: SlotRun) -> Status:
    """Known once the release is unpacked: what has a build is building until that ends."""
    return Status.BUILDING if build.has_build(run) else Status.DEPLOYING


def put_slot_back(run: SlotRun) -> None:
    """Never while the slot has the traffic: what is put back there would serve."""
    if run.world.trees.live(run.tree) is run.slot:
        raise InternalError(f"{run.slot} still has the traffic, so nothing is put back there.")
    run.world.trees.put_back(run.tree, run.slot)


def link_storage(run: SlotRun) -> None:
    """Give the slot its ``./storage``. Needs the manifest, so a broken one is told here."""
    for note in run.world.trees.link_storage(run.tree, run.slot, run.plan.manifest.shipped):
        run.log.note(note)


def put_site(run: SlotRun) -> None:
    """Let the proxy know the app; it is reloaded only if the site's text changed."""
    if run.world.proxy.put_site(run.app.name, run.app.ports.both, run.tree, gated=run.needs_gate):
        run.log.note("the proxy's site changed and was loaded")


def is_cold(run: SlotRun) -> bool:
    """Whether the slot's release has to be started."""
    return not run.is_warm


def claim_slot(run: SlotRun) -> None:
    """Say that the slot runs for this rollback from now on. One that ran already shows that it still answers."""
    run.is_warm = run.is_running()
    run.world.trees.end_hold(run.tree, run.slot)
    run.world.trees.rewrite_holds(run.tree, run.slot, run.content)
    if run.is_warm:
        verify.check_warm_slot(run)


def give_slot_back(run: SlotRun) -> None:
    """Have the slot be idle again, and say for which deployment it holds its release."""
    slots.stop_slot(run)
    target = run.deployment.target
    if target is not None:
        run.world.trees.rewrite_holds(run.tree, run.slot, run.content_of(target))
