"""A deploy and a rollback, as lists of steps. Whoever reads ``deploy()`` has seen the whole deploy."""

from __future__ import annotations

from potions.errors import ArchiveBroken, ArchiveUnreadable, ArchiveUnsafe, PortBusy
from potions.flows import build, switch
from potions.flows.run import SlotRun
from potions.flows.step import Flow, PointOfNoReturn, Step
from potions.flows.verify import verify_slot
from potions.model.deployment import Status
from potions.model.service import Phase


def deploy() -> Flow[SlotRun]:
    """Unpack a release into the idle slot, run and check it there, switch, and let the other slot finish."""
    return Flow(
        steps=(
            Step("receive", receive_archive, status=Status.BUILDING),
            Step("unpack", unpack_into_idle_slot, undo=put_slot_back),
            Step("link storage", link_storage, status=building_or_deploying),
            Step("configure", configure_slot),
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
            Step("start", start_slot, undo=stop_slot, status=Status.VERIFYING),
            Step("verify", verify_slot),
            PointOfNoReturn("switch", switch.point_traffic_at_slot, undo=switch.point_traffic_back, cancellable=False),
            Step("confirm", switch.check_through_the_proxy, cancellable=False),
        ),
        after=_TIDY,
    )


def rollback() -> Flow[SlotRun]:
    """Bring back what the idle slot still holds. No rebuild, no migration; nothing to start if it still runs."""
    return Flow(
        steps=(
            Step("claim", claim_slot, undo=give_slot_back, status=Status.DEPLOYING),
            Step("configure", configure_slot, when=is_cold),
            Step("site", put_site),
            Step("start", start_slot, undo=stop_slot, when=is_cold, status=Status.VERIFYING),
            Step("verify", verify_slot, status=Status.VERIFYING),
            PointOfNoReturn("switch", switch.point_traffic_at_slot, undo=switch.point_traffic_back, cancellable=False),
            Step("confirm", switch.check_through_the_proxy, cancellable=False),
        ),
        after=_TIDY,
    )


def receive_archive(run: SlotRun) -> None:
    """See that the archive is whole, and settle what an earlier deploy left in the slot."""
    trees = run.world.trees
    trees.check_archive(run.tree, run.deployment.release)
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
    stop_slot(run)
    run.world.trees.place(run.tree, run.slot, run.content)
    run.log.note(f"{release.label}: {unpacked.files:,} files, {unpacked.bytes:,} bytes in {run.slot}")
    if unpacked.shadows:
        run.log.note(f"left out {unpacked.shadows:,} files that macOS packs beside others (._NAME, __MACOSX)")


def building_or_deploying(run: SlotRun) -> Status:
    """Known once the release is unpacked: what has a build is building until that ends."""
    return Status.BUILDING if build.has_build(run) else Status.DEPLOYING


def put_slot_back(run: SlotRun) -> None:
    run.world.trees.put_back(run.tree, run.slot)


def link_storage(run: SlotRun) -> None:
    """Give the slot its ``./storage``. Needs the manifest, so a broken one is told here."""
    for note in run.world.trees.link_storage(run.tree, run.slot, run.plan.manifest.shipped):
        run.log.note(note)


def configure_slot(run: SlotRun) -> None:
    """Write the slot's variables and make its service known."""
    epmd_port = run.world.erlang.ensure_port_mapper(run.tree, run.slot) if run.plan.erlang else None
    environment = run.environment(epmd_port)
    run.log.hide(environment)
    run.world.trees.write_environment(run.tree, run.slot, environment)
    run.world.supervisor.install(run.service())


def put_site(run: SlotRun) -> None:
    """Let the proxy know the app; it is reloaded only if the site's text changed."""
    if run.world.proxy.put_site(run.app.name, run.app.ports.both, run.tree.live):
        run.log.note("the proxy's site changed and was loaded")


def is_cold(run: SlotRun) -> bool:
    """Whether the slot's release has to be started."""
    return run.world.supervisor.state(run.service_name).phase is not Phase.RUNNING


def start_slot(run: SlotRun) -> None:
    holder = run.world.network.holder_of(run.port) if not run.world.network.is_port_free(run.port) else ""
    if holder:
        raise PortBusy(
            f"Port {run.port}, which the {run.slot} slot of {run.app.name} needs, is taken.",
            why=f"{holder} listens on it.",
            do="End that program, then deploy again.",
        )
    run.output_start = run.world.trees.size_of(run.tree.output_log(run.slot))
    run.world.supervisor.start(run.service_name)
    # While it boots: no other step waits for the disk then, and the switch finds next to nothing left to write.
    run.world.trees.begin_sync(run.tree)


def stop_slot(run: SlotRun) -> None:
    """End the slot's service and whatever it left behind."""
    switch.end_slot(run, run.slot, grace=switch.UNSERVED_GRACE)


def claim_slot(run: SlotRun) -> None:
    """Say that the slot runs for this rollback from now on."""
    run.world.trees.rewrite_holds(run.tree, run.slot, run.content)


def give_slot_back(run: SlotRun) -> None:
    """Have the slot be idle again, and say for which deployment it holds its release."""
    stop_slot(run)
    target = run.deployment.target
    if target is not None:
        run.world.trees.rewrite_holds(run.tree, run.slot, run.content_of(target))


_TIDY = (
    Step("drain", switch.wait_until_idle),
    Step("retire", switch.retire_other_slot),
)
