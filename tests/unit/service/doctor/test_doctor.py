"""What the doctor finds in a service, and what it leaves for later: over a real supervisord and a real Caddy."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from potions.errors import AppUnknown, StoreFailed
from potions.layout import AppTree, Colour, Home
from potions.model.app import App
from potions.model.deployment import Kind
from potions.model.doctor.catalogue import KINDS
from potions.names import ReleaseId
from potions.service import Service
from potions.service.context import Context
from potions.service.doctor import checks
from potions.service.doctor.fixes import FIXES
from potions.service.doctor.look import Check, Look
from potions.service.doctor.scene import Scene
from potions.service.doctor.treatment import OF_LIVE, OF_SITES
from potions.store.records import TrashRecord
from support.doctoring import RELEASE, deployed, found, mend
from support.findings import codes_of, own_findings


def test_a_healthy_service(service: Service, app: App) -> None:
    """There is nothing to say, and what was looked at is told: everything for all apps, the storage for one."""
    everything, one = service.doctor.platform(), service.doctor.app(app.name)
    assert codes_of(everything) == codes_of(one) == []
    names = [looked.name for looked in everything.looked_at]
    assert names == [check.name for check in (*checks.OF_PLATFORM, *checks.OF_APP)]
    assert [looked.name for looked in one.looked_at][-2:] == ["answer", "storage"]
    assert everything.apps == 1


def test_an_unknown_app(service: Service) -> None:
    """Refused as everywhere."""
    with pytest.raises(AppUnknown):
        service.doctor.app("nobody")


def test_every_kind_that_says_so_is_mended_by_something() -> None:
    """And nothing is mended that does not say so. The agent cannot start itself: that one is the command's."""
    mended = {*FIXES, *OF_SITES, OF_LIVE, "agent-down"}
    assert mended == {kind.code for kind in KINDS.values() if kind.fix}


def test_every_kind_is_found_by_something() -> None:
    """A code in the documents that nothing ever gives would be looked for in vain."""
    source = "\n".join(path.read_text() for path in Path(checks.__file__).parents[2].rglob("*.py"))
    names = [
        line.partition(" = Kind(")[0]
        for path in (Path(checks.__file__).parents[2] / "model" / "doctor").glob("*.py")
        for line in path.read_text().splitlines()
        if " = Kind(" in line
    ]
    assert len(names) == len(KINDS)
    # Once where it is made, once in the list of its module, and at least once where it is used.
    assert [name for name in names if source.count(name) < 3] == []


# Looking twice


def test_what_is_gone_at_a_second_look_is_not_told(
    service: Service, app: App, tree: AppTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something in the middle of changing is no finding."""
    lost = tree.current
    lost.unlink()
    original = service.doctor._examination.app_now
    monkeypatch.setattr(
        service.doctor._examination, "app_now", lambda one: (lost.symlink_to(".live/slot"), original(one))[1]
    )
    assert found(service) == []


def test_an_app_that_is_deleted_meanwhile_is_not_told(
    service: Service, app: App, tree: AppTree, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody misses it."""
    tree.current.unlink()
    original = context.store.app

    def deleted(name: str) -> App:
        monkeypatch.setattr(context.store, "app", original)
        context.store.delete_app(app.id, None)
        return context.store.app(name)

    monkeypatch.setattr(context.store, "app", deleted)
    assert "link-wrong" not in found(service)


@pytest.mark.parametrize("lock", ["app-{id}", "name-{name}"])
def test_an_app_that_is_worked_on_is_left_for_later(
    service: Service, app: App, tree: AppTree, context: Context, lock: str
) -> None:
    """Half of a deploy looks broken. It is told, and nobody has to worry."""
    tree.current.unlink()
    held = context.locks.take(lock.format(id=app.id, name=app.name))
    checkup = service.doctor.platform()
    assert held is not None
    held.release()
    assert codes_of(checkup) == ["app-busy"]
    assert "look again" in own_findings(checkup)[0].what


def test_names_that_are_being_made_or_deleted_are_no_strays(service: Service, context: Context, home: Home) -> None:
    """A delete that waits for a slow app leaves its directory for half a minute."""
    (home.apps / "shop").mkdir()
    held = context.locks.take("name-shop")
    assert held is not None
    before = found(service)
    held.release()
    after = found(service)
    (home.apps / "shop").rmdir()
    assert (before, after) == ([], ["directory-stray"])


def test_what_cannot_be_looked_at_keeps_nobody_from_the_rest(
    service: Service, app: App, tree: AppTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that fails is a finding of its own; what the others find stands beside it."""

    def fails(_scene: Scene) -> Look:
        raise PermissionError(13, "Permission denied", "/h/secret")

    def refused(_scene: Scene) -> Look:
        raise StoreFailed("The store is busy.", do="Try again.")

    platform = (*checks.OF_PLATFORM, Check("closed", fails), Check("refused", refused))
    monkeypatch.setattr("potions.service.doctor.examination.OF_PLATFORM", platform)
    tree.current.unlink()
    checkup = service.doctor.platform()
    assert codes_of(checkup) == ["look-failed", "look-failed", "link-wrong"]
    first, second, _ = own_findings(checkup)
    assert first.why == "Permission denied: /h/secret"
    assert second.do == "Try again."


# What the store and the disk say


def test_a_live_slot_that_does_not_run(service: Service, app: App, context: Context) -> None:
    """It should, as nobody stopped it; once somebody has, it is all right."""
    deployed(context, app)
    assert found(service) == ["live-down"]
    context.store.set_stopped(app.id, True)
    assert found(service) == []


def test_records_that_are_lost_are_mended_from_the_store(
    service: Service, app: App, tree: AppTree, context: Context
) -> None:
    """A broken `.live`, and what a slot holds: the store knows both."""
    deployed(context, app)
    context.store.set_stopped(app.id, True)
    tree.live.unlink()
    tree.live.symlink_to(".slots/purple")
    assert found(service) == ["app-damaged"]
    assert set(mend(service)) == {"app-damaged"}
    tree.holds(Colour.BLUE).unlink()
    assert found(service) == ["app-damaged"]
    mend(service)
    assert found(service) == []
    assert context.trees.live(tree) is Colour.BLUE


def test_a_live_slot_without_its_files(service: Service, app: App, tree: AppTree, context: Context) -> None:
    """It has to be deployed again, and nothing is made up in its place."""
    deployed(context, app)
    context.store.set_stopped(app.id, True)
    (tree.slot(Colour.BLUE) / "storage").unlink()
    tree.slot(Colour.BLUE).rmdir()
    assert found(service) == ["slot-gone"]
    assert mend(service) == {}


def test_an_app_without_its_directory(service: Service, app: App, tree: AppTree) -> None:
    """One finding, whatever else could be missed in it."""
    (tree.root.parent / "aside").mkdir()
    kept = tree.root.rename(tree.root.parent / "aside" / "kept")
    assert "app-gone" in found(service)
    checkup = service.doctor.app(app.name)
    kept.rename(tree.root)
    (tree.root.parent / "aside").rmdir()
    assert codes_of(checkup) == ["app-gone"]


def test_archives_and_the_store(service: Service, app: App, tree: AppTree, context: Context) -> None:
    """Missing, not known, and pruned: nothing is removed that somebody may have sent."""
    deployed(context, app)
    context.store.set_stopped(app.id, True)
    pruned = context.store.add_release(app.id, ReleaseId("b" * 64), "tar.gz", 1, "old.tar.gz")
    context.store.prune_release(app.id, pruned.id)
    unknown = tree.archive("c" * 64, "tar.gz")
    for path in (tree.archive(pruned.id, "tar.gz"), unknown):
        path.write_bytes(b"x")
        os.utime(path, (1, 1))
    tree.archive(RELEASE, "tar.gz").unlink()
    assert sorted(found(service)) == ["archive-missing", "archive-stray", "archive-stray"]
    assert mend(service) == {}
    assert unknown.exists() and tree.archive(pruned.id, "tar.gz").exists()


def test_a_deployment_that_nobody_works_on(
    service: Service, app: App, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that has just been asked for is given its time; one from an hour ago waits in vain."""
    release = context.store.add_release(app.id, RELEASE, "tar.gz", 3, "blog.tar.gz")
    context.tree(app).archive(release.id, "tar.gz").write_bytes(b"abc")
    context.store.create_deployment(app.id, Kind.DEPLOY, release.id, "ann")
    assert found(service) == []

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime.now(UTC) + timedelta(hours=1)

    monkeypatch.setattr("potions.service.doctor.strays.datetime", Later)
    assert found(service) == ["deployment-stuck"]


def test_the_trash_and_its_records(service: Service, app: App, tree: AppTree, context: Context, home: Home) -> None:
    """A record without a directory, a directory without a record, and what a purge has left."""
    now = datetime.now(UTC)
    record = TrashRecord(app.id, app.name, f"blog.{app.id}", now, now + timedelta(hours=1), 0, 0)
    context.store.delete_app(app.id, record)
    context.proxy.remove_site(app.name)
    (home.trash / "odd").mkdir()
    (home.trash / "shop.9.purge").mkdir()
    tree.root.rename(home.trash / "elsewhere")
    assert found(service) == ["trash-stray", "trash-stray", "trash-empty", "purge-left"]
    mend(service)
    assert found(service) == ["trash-stray", "trash-stray", "trash-empty"]
    (home.trash / "elsewhere").rename(tree.root)
    (home.trash / "odd").rmdir()
    context.store.forget_app(app.id)


def test_settings_that_were_broken_while_it_runs(service: Service, home: Home) -> None:
    """The next start would be refused: it is told before that."""
    kept = home.settings.read_bytes()
    home.settings.write_bytes(b"{")
    broken = found(service)
    home.settings.write_bytes(kept)
    assert (broken, found(service)) == (["settings-broken"], [])
