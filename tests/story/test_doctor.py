"""`potions doctor` on a real Potions: healthy, then broken by hand in every way that comes to mind, then mended."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from potions.embedded_doctor import look
from potions.host.processes import slot_processes
from potions.host.supervisord import Supervisord
from potions.layout import AppTree, Colour
from support.archives import tree as content_of
from support.findings import codes, findings, give_to_app, own_findings, wait_until_well
from support.platform import Platform, wait_for
from support.releases import behave_release

GALLERY = Path(__file__).parents[2] / "examples" / "gallery"
WORKER = "web: python3 behave.py\nmail: exec sleep 600"
LONG_AGO = (1, 1)


@pytest.fixture(scope="module")
def doctored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A Potions for these stories alone, with `gallery` and `blog`, which has a release to go back to and a worker."""
    platform = Platform()
    try:
        platform.up()
        for app in ("gallery", "blog"):
            platform.client.create_app(app)
        platform.do("deploy", str(GALLERY), "--app", "gallery")
        for version in ("1", "2"):
            release = behave_release(tmp_path_factory.mktemp("r") / version, version, procfile=WORKER)
            platform.do("deploy", str(release), "--app", "blog")
        for app in ("gallery", "blog"):
            (platform.tree(app).storage / "precious").write_bytes(b"a customer's file")
            give_to_app(platform.tree(app).storage / "precious", platform.tree(app).storage)
        settle_drains(platform)
        yield platform
    finally:
        platform.close()


def settle_drains(platform: Platform) -> None:
    """Wait until nothing runs beside the live slots any more."""

    def is_quiet() -> bool:
        slots = [slot for app in ("gallery", "blog") for slot in platform.client.app(app).slots]
        return not any(slot.draining or (slot.pid and not slot.live) for slot in slots)

    wait_for(is_quiet, "nothing drains")


def mend(platform: Platform, *words: str) -> list[str]:
    """Mend, and return the codes of what could not be, as the new look says it."""
    outcome = platform.run("doctor", "--fix", "--yes", "--json", *words)
    not_done = [one for one in json.loads(outcome.out)["treated"] if not one["done"]]
    assert not_done == [], platform.report()
    return sorted(finding.code for finding in findings(outcome))


def kept(platform: Platform) -> dict[str, object]:
    """What no fix may touch: every file in storage, and every file in a slot but the platform's own link."""
    found: dict[str, object] = {}
    for app in ("gallery", "blog"):
        tree = platform.tree(app)
        found[app] = content_of(tree.storage)
        for colour in Colour:
            found[f"{app} {colour}"] = {
                name: data
                for name, data in content_of(tree.slot(colour)).items()
                if name.partition("/")[0] != "storage"
            }
    return found


def test_a_fresh_potions_has_a_clean_bill_of_health(doctored: Platform) -> None:
    """Nothing is found wrong in what works, and it is said what was looked at; also into the storage of each app."""
    assert codes(doctored) == codes(doctored, "gallery") == codes(doctored, "blog") == []
    assert findings(doctored.run("doctor", "--json")) == []
    everything = doctored.do("doctor").out
    for word in ("supervisord, Caddy", "2 apps", "sites", "processes", "database", "potions doctor APP"):
        assert word in everything
    assert "nothing that was seen speaks against it" in doctored.do("doctor", "gallery").out


# Broken by hand


def break_files(platform: Platform, tree: AppTree, live: Colour) -> dict[str, int]:
    """Links, permissions, sites, half-made things. Returns how many findings each code has from it."""
    home = platform.home
    tree.current.unlink()
    tree.marker_slot(live.other).unlink()
    tree.marker_slot(live.other).symlink_to("/etc")
    tree.marker_name(live.other).unlink()
    (tree.slot(live) / "storage").unlink()
    tree.logs.chmod(0o777)
    tree.storage.chmod(0o757)
    tree.env_file(live).chmod(0o644)
    home.secret_key.chmod(0o640)
    home.epmd.rmdir()
    home.site("gallery").unlink()
    home.site("blog").write_text("broken {\n")
    home.site("nobody").write_text("broken {\n")
    home.site("nobody").chmod(0o600)
    home.caddyfile.write_text("also broken {\n")
    (tree.hold(live)).touch()
    left = [
        tree.root / ".potions-0123456789abcdef",
        tree.marker(live) / ".potions-aaaaaaaaaaaaaaaa",
        home.sites / ".potions-bbbbbbbbbbbbbbbb",
    ]
    for path in left:
        path.write_bytes(b"half")
        path.chmod(0o600)
        os.utime(path, LONG_AGO)
    (tree.releases / f".incoming-{'c' * 32}").write_bytes(b"half an upload")
    tree.incoming(live.other).mkdir(mode=0o750)
    (home.trash / "shop.99.purge").mkdir()
    for suffix in ("conf", "json"):
        (home.programs / f"ghost.blue.{suffix}").write_text("")
        (home.programs / f"ghost.blue.{suffix}").chmod(0o600)
    return {
        "link-wrong": 2,
        "file-missing": 1,
        "storage-link-missing": 1,
        "mode-wrong": 2,
        "open-to-others": 2,
        "directory-missing": 1,
        "site-missing": 1,
        "site-wrong": 1,
        "site-stray": 1,
        "caddyfile-wrong": 1,
        "sites-not-loaded": 1,
        "hold-left": 1,
        "temporary-left": 3,
        "upload-left": 1,
        "slot-left": 1,
        "purge-left": 1,
        "program-stray": 1,
    }


def break_what_a_person_has_to_decide(platform: Platform, tree: AppTree, live: Colour) -> dict[str, int]:
    home = platform.home
    aside = platform.folder / "aside"
    aside.mkdir()
    (tree.slot(live.other) / "storage").rename(aside / "link")
    (tree.slot(live.other) / "storage").mkdir()
    (tree.slot(live.other) / "storage" / "written").write_bytes(b"in the wrong place")
    (tree.marker(live) / live.other.value).touch()
    (home.apps / "stranger").mkdir()
    (home.trash / "stranger").mkdir()
    (tree.logs / "deployment-99.jsonl").touch()
    stray = tree.archive("d" * 64, "tar.gz")
    stray.touch()
    os.utime(stray, LONG_AGO)
    old = next(path for path in tree.releases.iterdir() if path != stray and not path.name.startswith("."))
    old.rename(aside / old.name)
    return {
        "storage-link-replaced": 1,
        "something-else": 1,
        "directory-stray": 1,
        "trash-stray": 1,
        "log-stray": 1,
        "archive-stray": 1,
        "archive-missing": 1,
    }


def put_back(platform: Platform, tree: AppTree, live: Colour) -> None:
    """What the findings say that a person should do."""
    home, aside = platform.home, platform.folder / "aside"
    (tree.slot(live.other) / "storage" / "written").unlink()
    (tree.slot(live.other) / "storage").rmdir()
    (tree.marker(live) / live.other.value).unlink()
    (home.apps / "stranger").rmdir()
    (home.trash / "stranger").rmdir()
    (tree.logs / "deployment-99.jsonl").unlink()
    tree.archive("d" * 64, "tar.gz").unlink()
    for path in aside.glob("*.tar.*"):
        path.rename(tree.releases / path.name)


def test_what_is_broken_by_hand_is_found_and_mended(doctored: Platform) -> None:
    """Two dozen ways at once, each found by its code; mending loses nothing, and leaves what a person has to decide."""
    tree, live = doctored.tree("blog"), doctored.live("blog")
    stays = break_what_a_person_has_to_decide(doctored, tree, live)
    before = kept(doctored)
    expected = break_files(doctored, tree, live) | stays
    found = codes(doctored)
    assert {code: found.count(code) for code in found} == expected
    refused = doctored.refused("doctor", "--fix")
    assert "--yes" in refused.err
    assert codes(doctored) == found
    assert mend(doctored) == sorted(stays)
    assert kept(doctored) == before
    assert (doctored.version("blog"), doctored.get("gallery").status_code) == ("2", 200)
    put_back(doctored, tree, live)
    assert codes(doctored) == ["storage-link-missing"]
    assert mend(doctored) == []
    for version in ("1", "2"):
        doctored.do("rollback", "blog")
        assert doctored.version("blog") == version
    settle_drains(doctored)


# Processes


def as_app(platform: Platform, app: str, colour: Colour) -> subprocess.Popen[bytes]:
    """A process that looks like one of a slot's, as what a stop has missed."""
    marks = {"POTIONS_DIR": str(platform.tree(app).root), "POTIONS_SLOT": colour.value, "POTIONS_PROCESS": "web"}
    return subprocess.Popen(["sleep", "600"], env={"PATH": os.defpath, **marks})


def test_what_runs_and_should_not_and_the_other_way_round(doctored: Platform) -> None:
    """A second copy, a worker that was given up, an app that is down, a stopped one that runs, a stranger's program."""
    live = doctored.live("blog")
    supervisor = Supervisord(doctored.home)
    with ExitStack() as strays:
        for app, colour in (("blog", live.other), ("nobody", Colour.BLUE)):
            process = strays.enter_context(as_app(doctored, app, colour))
            strays.callback(process.kill)
        supervisor.stop([f"blog.{live.value}.worker.mail"], 5)
        supervisor.stop([f"gallery.{doctored.live('gallery').value}"], 5)
        assert codes(doctored) == ["idle-runs", "live-down", "stray-processes", "worker-down"]
        assert mend(doctored) == []
        assert slot_processes(doctored.tree("blog").root, live.other.value) == set()
    assert doctored.get("gallery").status_code == 200
    doctored.do("stop", "gallery")
    with as_app(doctored, "gallery", Colour.GREEN) as process:
        assert codes(doctored, "gallery") == ["stopped-runs"]
        assert mend(doctored, "gallery") == []
        process.wait(10)
    doctored.do("start", "gallery")
    assert codes(doctored) == []


def test_a_stranger_on_a_port_is_named(doctored: Platform) -> None:
    """In the way of the next deploy, or answering visitors of a stopped app; nobody's program is ended for that."""
    live = doctored.live("blog")
    ports = {slot.colour: slot.port for slot in doctored.client.app("blog").slots}
    with socket.create_server(("127.0.0.1", ports[live.other])):
        (found,) = findings(doctored.run("doctor", "--json"))
        assert (found.code, found.fix) == ("port-taken", "")
        assert f"process {os.getpid()}" in found.what
    doctored.do("stop", "blog")
    with socket.create_server(("127.0.0.1", ports[live])):
        assert codes(doctored, "blog") == ["stranger-answers"]
    doctored.do("start", "blog")
    assert codes(doctored) == []


def test_a_deploy_on_its_way_is_no_disorder(doctored: Platform, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Two slots run, one is half made: whoever looks in the middle of it is not alarmed."""
    slow = behave_release(tmp_path_factory.mktemp("r") / "slow", "3", procfile=WORKER, ready_after=4)
    idle = doctored.live("blog").other
    deploying = doctored.start("deploy", str(slow), "--app", "blog")
    try:
        wait_for(lambda: slot_processes(doctored.tree("blog").root, idle.value), "the new slot runs")
        assert codes(doctored) in (["app-busy"], [])
        assert doctored.run("doctor", "blog").status == 0
    finally:
        assert deploying.wait(60) == 0
        assert deploying.stdout is not None
        deploying.stdout.close()
    wait_until_well(doctored)


# The parts themselves


def test_parts_that_are_down(doctored: Platform) -> None:
    """A proxy and an agent that were stopped are started; a supervisord that was killed is told, and `up` mends it."""
    supervisor = Supervisord(doctored.home)
    supervisor.stop(["caddy"], 10)
    assert codes(doctored) == ["proxy-down"]
    assert mend(doctored) == []
    assert doctored.get("gallery").status_code == 200
    supervisor.stop(["agent", "caddy"], 30)
    assert codes(doctored) == codes(doctored, "blog") == ["agent-down", "proxy-down"]
    assert mend(doctored, "blog") == []
    assert doctored.get("gallery").status_code == 200
    os.kill(int(doctored.home.supervisor_pid.read_text()), signal.SIGKILL)
    wait_for(lambda: "supervisor-down" in codes(doctored), "the supervisor is gone")
    assert codes(doctored) == ["supervisor-down"]
    for process in doctored.processes():
        if "potions.agent" in process.cmdline():
            process.kill()
            process.wait()
    assert codes(doctored) == ["left-behind"]
    doctored.do("up")
    wait_until_well(doctored)


def test_an_agent_that_cannot_start_says_why(doctored: Platform) -> None:
    """Its last lines are in the report, and the key that it misses is named; nothing makes a new one."""
    key = doctored.home.secret_key.read_bytes()
    supervisor = Supervisord(doctored.home)
    supervisor.stop(["agent"], 30)
    doctored.home.secret_key.unlink()
    supervisor.start("agent")

    def says_why() -> bool:
        """Between two tries it runs for a moment, and is only silent; its words come a moment after its end."""
        found = {one.code: one for one in own_findings(look(doctored.home, None))}
        assert set(found) in ({"agent-down", "key-missing"}, {"agent-silent", "key-missing"})
        return "agent-down" in found and "secret.key is missing" in found["agent-down"].why

    wait_for(says_why, "it is said why it does not come up", timeout=180)
    assert not doctored.home.secret_key.exists()
    doctored.home.secret_key.write_bytes(key)
    doctored.home.secret_key.chmod(0o600)
    doctored.do("up")
    # That it ended several times of late is true as well.
    wait_until_well(doctored, "unsteady")
