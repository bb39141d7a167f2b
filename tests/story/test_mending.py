"""What somebody broke by hand, or asked for twice at once: nothing stored is lost, and it is put right."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from potions.errors import PotionsError
from potions.host.processes import slot_processes
from support.platform import Platform, wait_for
from support.releases import as_tar_gz

PRECIOUS = b"a customer's file"


def make_app(potions: Platform, name: str) -> None:
    potions.client.create_app(name)
    (potions.tree(name).storage / "precious").write_bytes(PRECIOUS)


def attempt(action: Callable[[], object]) -> None:
    """A command that may be refused: which of several at once is, does not matter here."""
    try:
        action()
    except PotionsError as error:
        assert "made a mistake" not in error.what, error


@pytest.mark.parametrize("trial", range(4))
def test_deleting_twice_and_restoring_loses_nothing(potions: Platform, trial: int) -> None:
    """A second delete that was typed because the first was slow never takes what a restore has just brought back."""
    make_app(potions, "victim")
    deletes = [threading.Thread(target=attempt, args=(lambda: potions.client.delete_app("victim"),)) for _ in range(2)]
    for delete in deletes:
        delete.start()
        time.sleep(0.03 * trial)
    deletes[0].join()
    attempt(lambda: potions.client.restore_app("victim"))
    deletes[1].join()
    names = [app.name for app in potions.client.apps()]
    if "victim" not in names:
        potions.client.restore_app("victim")
    assert (potions.tree("victim").storage / "precious").read_bytes() == PRECIOUS


@pytest.mark.parametrize("purge", [False, True])
def test_a_delete_that_waits_does_not_take_a_new_app_of_that_name(potions: Platform, purge: bool) -> None:
    """Two deletes and a create at once: either the new app is there whole, or a delete that came later took it."""
    make_app(potions, "victim")
    deletes = [
        threading.Thread(target=attempt, args=(lambda: potions.client.delete_app("victim", purge=purge),))
        for _ in range(2)
    ]
    for delete in deletes:
        delete.start()
    deletes[0].join()
    attempt(lambda: potions.client.create_app("victim"))
    deletes[1].join()
    for app in potions.client.apps():
        assert app.state == "empty", app
        assert potions.get(app.name).text == "nothing is deployed here yet"
    sites = {site.stem for site in potions.home.sites.glob("*.caddy")}
    assert sites == {app.name for app in potions.client.apps()}


@pytest.mark.parametrize("broken", ["live", "live gone", "record", "record gone"])
def test_a_broken_record_harms_no_other_app_and_is_mended(
    own_potions: Platform, release: Callable[..., Path], broken: str
) -> None:
    """A lost `.live` or `release.json` is said plainly, the other apps go on, and the next start knows what served."""
    potions = own_potions
    for app in ("blog", "blog2"):
        potions.client.create_app(app)
    potions.do("deploy", str(release("other")), "--app", "blog2")
    for version in ("1", "2"):
        potions.do("deploy", str(release(version)), "--app", "blog")
    tree = potions.tree("blog")
    (tree.storage / "precious").write_bytes(PRECIOUS)
    record = tree.holds(potions.live("blog"))
    if broken.startswith("live"):
        tree.live.unlink()
        if broken == "live":
            tree.live.symlink_to(".slots/purple")
    elif broken == "record":
        record.write_bytes(b"")
    else:
        record.unlink()
    states = {app.name: app.state for app in potions.client.apps()}
    assert states["blog2"] == "running"
    assert states["blog"] != "running"
    if broken in {"live", "record"}:
        assert states["blog"] == "damaged"
        assert "potions up" in potions.refused("apps", "show", "blog").text
    potions.do("down")
    potions.do("up")
    wait_for(lambda: {app.state for app in potions.client.apps()} == {"running"}, "both run")
    potions.do("restart", "blog")
    assert potions.version("blog") == "2"
    potions.do("rollback", "blog")
    assert potions.version("blog") == "1"
    assert (tree.storage / "precious").read_bytes() == PRECIOUS


def test_a_slot_removed_by_hand_is_unpacked_again(potions: Platform, release: Callable[..., Path]) -> None:
    """A rollback whose slot somebody removed takes the kept archive instead."""
    potions.client.create_app("blog")
    for version in ("1", "2"):
        potions.do("deploy", str(release(version)), "--app", "blog")
    idle = potions.tree("blog").slot(potions.live("blog").other)
    idle.rename(potions.folder / f"taken-{time.monotonic_ns()}")
    potions.do("rollback", "blog")
    assert potions.version("blog") == "1"


def test_a_missing_key_is_never_replaced(own_potions: Platform) -> None:
    """Without secret.key nothing starts, and no new one lies where the old one has to be put back."""
    own_potions.client.create_app("blog")
    own_potions.do("env", "set", "blog", "TOKEN", stdin="a value that must come back")
    key = own_potions.home.secret_key.read_bytes()
    own_potions.do("down")
    own_potions.home.secret_key.unlink()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("support.platform.COMMAND_TIMEOUT", 300.0)
        assert "secret.key is missing" in own_potions.refused("up").text
    assert not own_potions.home.secret_key.exists()
    own_potions.home.secret_key.write_bytes(key)
    own_potions.do("down")
    own_potions.do("up")
    values = {one["name"]: one["value"] for one in own_potions.json("env", "list", "blog", "--reveal")}
    assert values["TOKEN"] == "a value that must come back"


def test_what_a_killed_shell_leaves_behind_does_not_keep_the_app_down(
    potions: Platform, release: Callable[..., Path]
) -> None:
    """An app whose first process is killed comes back by itself, also where its children would hold the port."""
    potions.client.create_app("blog")
    # Two commands, so that the shell stays the first process and the app is its child.
    potions.do("deploy", str(release("1", procfile="web: python3 behave.py; true")), "--app", "blog")
    child = potions.get("blog").json()["pid"]
    shell = next(slot.pid for slot in potions.client.app("blog").slots if slot.live)
    assert shell != child
    os.kill(shell, signal.SIGKILL)

    def came_back() -> bool:
        answer = potions.get("blog")
        return answer.status_code == 200 and answer.json()["pid"] != child

    wait_for(came_back, f"the app is back\n{potions.report()}", timeout=30)
    assert potions.client.app("blog").summary.state == "running"
    assert child not in slot_processes(potions.tree("blog").root)


def test_a_live_slot_that_was_removed_comes_back(potions: Platform, release: Callable[..., Path]) -> None:
    """`rm -rf blue` by mistake: it is known what served, and a redeploy unpacks it again."""
    potions.do("apps", "create", "blog")
    potions.do("deploy", str(release("1")), "--app", "blog")
    (potions.tree("blog").storage / "precious").write_bytes(PRECIOUS)
    shutil.rmtree(potions.tree("blog").slot(potions.live("blog")))
    assert potions.json("apps", "show", "blog")["summary"]["serves"]["label"] == "r1"
    assert "potions redeploy blog" in potions.refused("restart", "blog").text
    potions.do("redeploy", "blog")
    assert potions.version("blog") == "1"
    assert (potions.tree("blog").storage / "precious").read_bytes() == PRECIOUS


def test_a_damaged_archive_is_not_deployed(potions: Platform, release: Callable[..., Path]) -> None:
    """A disk that forgot a byte: the old release serves on, and sending the release again mends it."""
    potions.do("apps", "create", "blog")
    sent = as_tar_gz(release("1"))
    potions.do("deploy", str(sent), "--app", "blog")
    (archive,) = potions.tree("blog").releases.iterdir()
    data = archive.read_bytes()
    archive.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    outcome = potions.refused("redeploy", "blog")
    assert "was changed, or its disk is damaged" in outcome.text
    assert potions.version("blog") == "1"
    potions.do("deploy", str(sent), "--app", "blog")
    assert archive.read_bytes() == data


def test_what_an_app_writes_into_its_slot_does_not_change_how_it_runs(
    own_potions: Platform, release: Callable[..., Path]
) -> None:
    """How a release runs was decided when it was deployed, and a restart of the agent asks nobody else."""
    potions = own_potions
    potions.do("apps", "create", "blog")
    potions.do("deploy", str(release("1")), "--app", "blog")
    slot = potions.tree("blog").slot(potions.live("blog"))
    (slot / "Procfile").write_text("web: echo taken over > storage/taken; exit 1\n")
    (slot / "potions.toml").write_text("no manifest")
    old = potions.agent_pid()
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: _agent_of(potions) not in (0, old), "the agent is back")
    potions.do("restart", "blog")
    assert potions.version("blog") == "1"
    potions.do("down")
    potions.do("up")
    wait_for(lambda: potions.version("blog") == "1", "it serves again")
    assert not (potions.tree("blog").storage / "taken").exists()


def _agent_of(potions: Platform) -> int:
    outcome = potions.run("status", "--json")
    parts = outcome.json()["parts"] if outcome.status == 0 else []
    return next((part["pid"] for part in parts if part["name"] == "agent"), 0)
