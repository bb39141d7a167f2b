"""Apps: their names, what is made with them, and what is never touched to make one."""

from __future__ import annotations

import os
import pwd
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from potions.errors import AppTaken, UnsafePath
from potions.names import APP_NAME_MAX
from potions.schema import Origin
from support.archives import tree as content_of
from support.platform import Platform
from support.raw_api import refused
from support.side_by_side import SideBySide

LONGEST = "a" + "0-" * ((APP_NAME_MAX - 2) // 2) + "z"
RULE = "A letter first, then lower-case letters, digits and '-', at most 40 characters."
BAD_NAMES = ["..", ".", "a/b", "/", "Blog", "BLOG", "a_b", "", "a" * 41, "1st", "-a", "a b", "a\n", "b.c", "ä", "a\0b"]


def everything(potions: Platform) -> tuple[object, ...]:
    """What a refused create must leave as it was: the apps, their directories, the proxy's sites."""
    sites = sorted(site.name for site in potions.home.sites.iterdir())
    return [app.name for app in potions.client.apps()], sorted(os.listdir(potions.home.apps)), sites


def test_a_bad_name_is_refused_with_the_rule(potions: Platform) -> None:
    """The command line says the rule, and nothing is made."""
    before = everything(potions)
    for name in ("..", "a/b", "Blog", "a_b", "", "a" * 41):
        outcome = potions.refused("apps", "create", name)
        assert (outcome.status, outcome.out) == (2, ""), name
        assert RULE in outcome.err
    assert everything(potions) == before


def test_the_agent_refuses_a_bad_name_itself(potions: Platform) -> None:
    """Whoever does not use the command line is told the same, for a new app and for a restored one."""
    potions.client.create_app("gone")
    potions.client.delete_app("gone")
    before = everything(potions)
    for name in BAD_NAMES:
        for told in (
            refused(potions, "POST", "/apps", {"name": name}),
            refused(potions, "POST", "/trash/gone/restore", {"new_name": name}),
        ):
            assert told.code == "name-refused", f"{name!r}: {told}"
            assert RULE in told.text
    assert everything(potions) == before


def test_a_path_in_place_of_a_name_leads_nowhere(potions: Platform) -> None:
    """No route takes a name for a path."""
    before = everything(potions)
    for path in ("/apps/..", "/apps/%2e%2e", "/apps/..%2f..%2fstate", "/apps/.trash", "/trash/%2e%2e"):
        for method, more in (("GET", ""), ("DELETE", "?purge=true"), ("POST", "/stop"), ("PATCH", "/variables")):
            assert refused(potions, method, path + more, {}).status in {400, 404, 405}, f"{method} {path}{more}"
    assert everything(potions) == before


def test_a_taken_name_is_refused(potions: Platform) -> None:
    """The app that has the name keeps everything; one whose name only begins alike is another one."""
    potions.do("apps", "create", "blog")
    (potions.tree("blog").storage / "kept").write_text("as it was")
    before = everything(potions)
    outcome = potions.refused("apps", "create", "blog")
    assert "There is an app called blog already." in outcome.err
    assert everything(potions) == before
    assert content_of(potions.tree("blog").storage) == {"kept": b"as it was"}
    potions.client.create_app("blog2")
    potions.client.create_app("blo")


def test_the_oddest_names_that_are_allowed_work(potions: Platform, release: Callable[..., Path]) -> None:
    """The longest, one that ends oddly, and one of a directory of ours: each serves."""
    assert len(LONGEST) == APP_NAME_MAX
    for name in (LONGEST, "a--", "storage"):
        potions.client.create_app(name)
        SideBySide(potions).works(release(name), name)
        assert potions.version(name) == name
        assert potions.get(name, "/cwd").text == str(potions.tree(name).slot(potions.live(name)))


@pytest.mark.contract("S4")
def test_storage_comes_with_the_app(potions: Platform, release: Callable[..., Path]) -> None:
    """It is there at once, belongs to the apps' user, and the app writes into it without anybody's help."""
    detail = potions.client.create_app("blog")
    storage = potions.tree("blog").storage
    assert Path(detail.storage) == storage
    status = storage.lstat()
    user = pwd.getpwnam(potions.client.status().app_user)
    assert stat.S_ISDIR(status.st_mode)
    assert (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid) == (0o750, user.pw_uid, user.pw_gid)
    SideBySide(potions).works(release("1"), "blog")
    assert potions.request("PUT", "blog", f"/file?path={storage}/made/by-the-app", content=b"!").is_success
    assert content_of(storage) == {"made": "/", "made/by-the-app": b"!"}


def test_a_new_app_says_what_it_is_and_what_to_do(potions: Platform) -> None:
    """Address, storage and the next command; the address answers in words until something is deployed."""
    outcome = potions.do("apps", "create", "blog")
    assert f"http://blog.localhost:{potions.http_port}" in outcome.out
    assert str(potions.tree("blog").storage) in outcome.out
    assert "potions deploy PATH --app blog" in outcome.out
    answer = potions.get("blog")
    assert (answer.status_code, answer.text) == (503, "nothing is deployed here yet")


def test_what_no_app_has_is_never_taken_over(potions: Platform) -> None:
    """A directory or a link of that name, also one that leads nowhere, is somebody's: refused, and left as it is."""
    victim = potions.folder / "victim"
    victim.mkdir()
    (victim / "kept").write_text("as it was")
    for number, make in enumerate((stray_directory, link_to(victim), link_to(potions.folder / "nowhere"))):
        make(potions.tree(f"stray{number}").root)
        with pytest.raises(UnsafePath, match="is there already"):
            potions.client.create_app(f"stray{number}")
    assert content_of(victim) == {"kept": b"as it was"}
    assert (potions.tree("stray0").root / "kept").read_text() == "as it was"
    assert not any(app.name.startswith("stray") for app in potions.client.apps())


def stray_directory(path: Path) -> None:
    path.mkdir()
    (path / "kept").write_text("as it was")


def link_to(target: Path) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def test_a_taken_port_is_passed_over_and_a_freed_pair_is_used_again(potions: Platform) -> None:
    """A pair that a stranger listens on goes to nobody; the lowest free one is next."""

    def first(app: str) -> int:
        return potions.client.create_app(app).slots[0].port

    lowest = first("blog")
    assert (lowest - potions.first_port) % 2 == 0
    with socket.create_server(("127.0.0.1", lowest + 3)):
        assert first("blog2") > lowest + 3
    potions.client.delete_app("blog")
    assert (first("blog3"), first("blog4")) == (lowest, lowest + 2)
    with pytest.raises(AppTaken):
        first("blog2")


def test_the_settings_are_those_of_what_serves(potions: Platform, release: Callable[..., Path]) -> None:
    """Each with where it comes from; nothing before the first deploy, and the app cannot change what stands there."""
    potions.client.create_app("tuned")
    assert potions.client.app_settings("tuned").settings == []
    manifest = '[deploy]\nkeep = 3\n[env]\nCOLOUR = "hidden-default"\n'
    potions.do("deploy", "--app", "tuned", str(release("1", manifest=manifest)))
    found = potions.client.app_settings("tuned")
    (potions.tree("tuned").slot(potions.live("tuned")) / "potions.toml").write_text("[deploy]\nkeep = 900\n")
    assert potions.client.app_settings("tuned") == found
    keep, start = (next(one for one in found.settings if one.key == key) for key in ("keep", "start"))
    assert (keep.value, keep.origin, keep.default) == ("3", Origin.MANIFEST, "10")
    assert (start.value, start.origin) == ("python3 behave.py", Origin.PROCFILE)
    assert (found.release, found.variables) == ("r1", ["COLOUR"])
    assert "hidden-default" not in repr(found)
