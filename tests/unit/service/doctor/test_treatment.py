"""What ``--fix`` mends in a service, what it leaves alone, and what it refuses."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from potions.errors import AppBusy, AppDamaged, InternalError, UnsafePath
from potions.layout import AppTree, Colour
from potions.model.app import App
from potions.model.deployment import Kind, SlotContent
from potions.schema import Finding, FixRequest, Severity
from potions.service import Service
from potions.service.context import Context
from potions.service.doctor import fixes
from potions.service.doctor.fixes import FIXES, Bench
from potions.service.doctor.scene import look_around
from support.doctoring import RELEASE, deployed, found, mend
from support.findings import codes_of, own_findings


def test_only_what_was_meant_is_mended(service: Service, app: App, tree: AppTree) -> None:
    """What was shown is what is done: something that broke since has to be shown first."""
    tree.current.unlink()
    (shown,) = own_findings(service.doctor.platform())
    tree.logs.chmod(0o777)
    assert set(mend(service, shown.key)) == {"link-wrong"}
    assert found(service) == ["mode-wrong"]
    mend(service)
    assert found(service) == []


def test_what_is_well_by_now_is_left_alone(service: Service, app: App, tree: AppTree) -> None:
    """Between the question and the answer somebody mended it."""
    tree.current.unlink()
    (shown,) = own_findings(service.doctor.platform())
    tree.current.symlink_to(".live/slot")
    assert mend(service, shown.key) == {}


def test_an_app_that_is_worked_on_is_not_mended(
    service: Service, app: App, tree: AppTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As any command on it would be refused, with the same words."""
    tree.current.unlink()

    def busy(*_: object, **__: object) -> None:
        raise AppBusy("blog is busy: deployment 3 (building) runs.")

    monkeypatch.setattr(service.jobs, "take_app", busy)
    (treated,) = service.doctor.fix_platform(FixRequest()).treated
    assert (treated.done, treated.words) == (False, "blog is busy: deployment 3 (building) runs.")


def test_a_fix_that_fails_keeps_nobody_from_the_rest(
    service: Service, app: App, tree: AppTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told with its reason, and what stays is found again."""
    tree.current.unlink()
    tree.logs.chmod(0o777)

    def refused(*_: object) -> str:
        raise UnsafePath("It will not be touched.")

    monkeypatch.setitem(FIXES, "mode-wrong", refused)  # type: ignore[arg-type]
    treatment = service.doctor.fix_platform(FixRequest())
    assert {one.finding.code: one.done for one in treatment.treated} == {"mode-wrong": False, "link-wrong": True}
    assert codes_of(treatment.checkup) == ["mode-wrong"]
    monkeypatch.undo()
    mend(service)


def test_a_file_in_a_directory_s_place_is_left_to_a_person(
    service: Service, app: App, tree: AppTree, tmp_path: Path
) -> None:
    """What somebody put there is theirs; links are not followed either."""
    tree.home.rmdir()
    tree.home.symlink_to(tmp_path)
    tmp_path.chmod(0o700)
    assert found(service) == ["something-else"]
    assert mend(service) == {}
    assert os.readlink(tree.home) == str(tmp_path)
    tree.home.unlink()
    assert found(service) == ["directory-missing"]
    assert set(mend(service)) == {"directory-missing"}
    assert found(service) == []


def test_a_storage_that_was_swapped_for_a_link_is_not_looked_into(
    service: Service, app: App, tree: AppTree, tmp_path: Path
) -> None:
    """As an app without root can do it: it is told, nothing behind the link is seen, and nothing is mended."""
    (tmp_path / "secret.lock").write_bytes(b"")
    tree.storage.rmdir()
    tree.storage.symlink_to(tmp_path)
    checkup = service.doctor.app(app.name)
    treatment = service.doctor.fix_app(app.name, FixRequest())
    tree.storage.unlink()
    assert codes_of(checkup) == ["something-else"]
    assert checkup.looked_at[-1].words == "there is no storage to look at"
    assert treatment.treated == []


def test_the_link_in_a_slot(service: Service, app: App, tree: AppTree, context: Context) -> None:
    """One that is missing is made; what has the name already stays what it is."""
    deployed(context, app)
    context.store.set_stopped(app.id, True)
    link = tree.slot(Colour.BLUE) / "storage"
    link.unlink()
    assert found(service) == ["storage-link-missing"]
    assert set(mend(service)) == {"storage-link-missing"}
    assert os.readlink(link) == "../storage"
    link.unlink()
    link.mkdir()
    (link / "precious").write_bytes(b"a customer's file")
    assert found(service) == ["storage-link-replaced"]
    assert mend(service) == {}
    assert (link / "precious").read_bytes() == b"a customer's file"
    (link / "precious").unlink()
    link.rmdir()


def test_what_lies_beside_a_slot_is_settled_as_a_deploy_would(
    service: Service, app: App, tree: AppTree, context: Context
) -> None:
    """A release that never served goes, and what it had pushed aside comes back."""
    deployed(context, app)
    context.store.set_stopped(app.id, True)
    tree.previous(Colour.GREEN).mkdir(mode=0o700)
    tree.previous_slot(Colour.GREEN).mkdir()
    (tree.previous_slot(Colour.GREEN) / "old").write_bytes(b"for a rollback")
    tree.slot(Colour.GREEN).mkdir()
    (tree.slot(Colour.GREEN) / "new").write_bytes(b"never served")
    codes = found(service)
    assert "slot-left" in codes
    mend(service)
    assert [path.name for path in tree.slot(Colour.GREEN).iterdir()] == ["old"]
    assert not tree.previous(Colour.GREEN).exists()


def test_what_is_parked_beside_a_live_slot_that_served_goes(
    service: Service, app: App, tree: AppTree, context: Context
) -> None:
    """The live slot itself is never touched."""
    deployed(context, app)
    context.store.set_stopped(app.id, True)
    (tree.slot(Colour.BLUE) / "kept").write_bytes(b"it serves")
    tree.previous(Colour.BLUE).mkdir(mode=0o700)
    tree.previous_slot(Colour.BLUE).mkdir()
    assert found(service) == ["slot-left"]
    mend(service)
    assert found(service) == []
    assert (tree.slot(Colour.BLUE) / "kept").read_bytes() == b"it serves"


def test_a_live_slot_that_never_served_is_left_alone(
    service: Service, app: App, tree: AppTree, context: Context
) -> None:
    """Nobody knows which of the two has to stay, so nothing is done."""
    deployed(context, app)
    context.store.set_stopped(app.id, True)
    failed = context.store.create_deployment(app.id, Kind.DEPLOY, RELEASE, "ann")
    content = SlotContent(RELEASE, "r1", failed.number, str(tree.slot(Colour.BLUE)))
    context.trees.rewrite_holds(tree, Colour.BLUE, content)
    tree.previous(Colour.BLUE).mkdir(mode=0o700)
    (finding,) = own_findings(service.doctor.platform())
    assert (finding.code, finding.fix) == ("slot-left", "")


def test_visitors_who_wait_for_nothing_are_let_go(service: Service, app: App, tree: AppTree, context: Context) -> None:
    """Those of the live slot; a hold of the idle one is what a failed hand-over leaves, and holds nobody."""
    deployed(context, app)
    context.store.set_stopped(app.id, True)
    context.trees.hold_requests(tree, Colour.GREEN, app.ports.both)
    assert found(service) == []
    context.trees.hold_requests(tree, Colour.BLUE, app.ports.both)
    assert found(service) == ["hold-left"]
    mend(service)
    assert found(service) == []
    assert tree.gate(Colour.BLUE).read_text() == str(context.proxy.own_port), "nobody listens in the slot"


def test_two_looks_at_once(service: Service, app: App, tree: AppTree) -> None:
    """Neither takes the other for somebody who works on the app."""
    tree.current.unlink()
    seen: list[list[str]] = []
    looks = [threading.Thread(target=lambda: seen.append(found(service))) for _ in range(2)]
    for look in looks:
        look.start()
    for look in looks:
        look.join()
    assert seen == [["link-wrong"]] * 2


# What a fix refuses, though somebody asked for it a moment ago


def bench(service: Service, app: App | None = None) -> Bench:
    scene = look_around(service.context, service.jobs, [] if app is None else [app])
    return Bench(service.context, service.lifecycle, scene.apps[0] if app else None)


def about(place: object) -> Finding:
    return Finding("code", Severity.WARNING, "what", place=str(place))


def test_an_app_that_was_made_meanwhile_is_not_taken_for_a_stray(service: Service, app: App, tree: AppTree) -> None:
    """Neither its programs nor its processes are ended."""
    with pytest.raises(UnsafePath):
        fixes.remove_program(bench(service), about("blog.blue"))
    with pytest.raises(UnsafePath):
        fixes.end_strays(bench(service), about(tree.root))


def test_what_cannot_be_made_anew_is_not_made(service: Service, app: App, tree: AppTree) -> None:
    """An empty file in the place of a slot's variables would start the app without them."""
    with pytest.raises(InternalError):
        fixes.make_marker(bench(service, app), about(tree.env_file(Colour.BLUE)))
    with pytest.raises(InternalError):
        fixes.set_right(bench(service, app), about("/etc/passwd"))
    assert not tree.env_file(Colour.BLUE).exists()


def test_records_that_nobody_knows_stay_broken(service: Service, app: App, tree: AppTree) -> None:
    """A slot that never served, and says nothing any more: it is told that it could not be mended."""
    tree.slot(Colour.BLUE).mkdir()
    tree.holds(Colour.BLUE).write_bytes(b"{")
    with pytest.raises(AppDamaged):
        fixes.mend_records(bench(service, app), about(tree.slots))


def test_an_app_that_somebody_stopped_meanwhile_is_not_started(service: Service, app: App, context: Context) -> None:
    """What a person has asked for since is worth more."""
    deployed(context, app)
    context.store.set_stopped(app.id, True)
    finding = Finding("live-down", Severity.ERROR, "what", app=app.name)
    assert "stopped" in service.doctor._treatments._start(finding)
    assert context.store.app(app.name).stopped
