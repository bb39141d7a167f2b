"""Hand-over: one writer, and no request that fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.keeping import assert_never_two, diary, keeper_release, visitors
from support.platform import Platform, wait_for


@pytest.mark.contract("B2")
def test_a_handover_fails_no_request_and_loses_nothing(potions: Platform, tmp_path: Path) -> None:
    """Under load each line is taken once, by one keeper at a time, through two deploys, a rollback and a restart."""
    potions.do("apps", "create", "keep")
    potions.do("deploy", str(keeper_release(tmp_path / "1", "1", takes=0.02)), "--app", "keep")
    with visitors(potions, "keep") as seen:
        potions.do("deploy", str(keeper_release(tmp_path / "2", "2", boots=0.5, fail_first=2)), "--app", "keep")
        seen.wait_for_more()
        assert seen.versions[-1] == "2"
        potions.do("deploy", str(keeper_release(tmp_path / "3", "3", stop_takes=0.5)), "--app", "keep")
        seen.wait_for_more()
        assert seen.versions[-1] == "3"
        potions.do("rollback", "keep")
        seen.wait_for_more()
        assert seen.versions[-1] == "2"
        potions.do("restart", "keep")
        seen.wait_for_more()
    assert seen.failed == []
    assert_never_two(diary(potions, "keep"))
    assert potions.get("keep").json()["lines"] == len(seen.taken)
    potions.do("stop", "keep")
    kept = (potions.tree("keep").storage / "data.txt").read_text().splitlines()
    assert sorted(kept) == sorted(seen.taken)
    assert potions.json("apps", "show", "keep")["summary"]["strategy"] == "handover"
    assert potions.get("keep").status_code == 503, "a stopped app answers at once"


@pytest.mark.contract("B2")
@pytest.mark.contract("S2")
@pytest.mark.parametrize("wrong", [{"always_500": True}, {"exit_at_once": True}, {"boots": 60}])
def test_a_release_that_fails_in_a_handover_brings_the_old_one_back(
    potions: Platform, tmp_path: Path, wrong: dict[str, object]
) -> None:
    """Those who waited for the new release are answered by the old one: none fails, nothing is lost."""
    potions.do("apps", "create", "keep")
    potions.do("deploy", str(keeper_release(tmp_path / "1", "1")), "--app", "keep")
    with visitors(potions, "keep") as seen:
        refused = potions.refused(
            "deploy", str(keeper_release(tmp_path / "2", "2", timeout="2s", **wrong)), "--app", "keep"
        )
        seen.wait_for_more()
    assert seen.failed == []
    assert set(seen.versions) == {"1"}
    assert_never_two(diary(potions, "keep"))
    assert "still serves" in refused.text
    assert potions.get("keep").json()["lines"] == len(seen.taken)
    assert potions.statuses("keep") == ["failed", "succeeded"]


def test_two_deploys_queued_behind_a_handover_follow_in_order(potions: Platform, tmp_path: Path) -> None:
    """Each hands over to the next; visitors notice nothing."""
    potions.do("apps", "create", "keep")
    potions.do("deploy", str(keeper_release(tmp_path / "1", "1")), "--app", "keep")
    with visitors(potions, "keep") as seen:
        for version in ("2", "3", "4"):
            potions.do(
                "deploy", str(keeper_release(tmp_path / version, version, boots=0.3)), "--app", "keep", "--detach"
            )
        wait_for(lambda: potions.statuses("keep") == ["succeeded"] * 4, "all of them are through")
        seen.wait_for_more()
    assert seen.failed == []
    assert sorted(set(seen.versions)) == ["1", "2", "3", "4"]
    assert_never_two(diary(potions, "keep"))


def test_one_of_two_releases_asking_for_it_is_enough(potions: Platform, tmp_path: Path) -> None:
    """A release that overlaps takes over from one of one writer without ever running beside it, and the other way."""
    overlap = '[run]\nstart = "python3 keeper.py"\n'
    potions.do("apps", "create", "keep")
    potions.do("deploy", str(keeper_release(tmp_path / "1", "1")), "--app", "keep")
    with visitors(potions, "keep") as seen:
        potions.do("deploy", str(keeper_release(tmp_path / "2", "2", manifest=overlap)), "--app", "keep")
        potions.do("deploy", str(keeper_release(tmp_path / "3", "3")), "--app", "keep")
        seen.wait_for_more()
    assert seen.failed == []
    assert_never_two(diary(potions, "keep"))


def test_a_health_path_that_needs_the_old_release_fails_and_says_what_was_asked(
    potions: Platform, tmp_path: Path
) -> None:
    """What waits for the old slot waits for ever: the deploy ends in its time, and the old release is back."""
    potions.do("apps", "create", "keep")
    potions.do("deploy", str(keeper_release(tmp_path / "1", "1")), "--app", "keep")
    manifest = """
[run]
start = "exec python3 ask.py"
[health]
path = "/health"
timeout = "3s"
[deploy]
strategy = "handover"
"""
    folder = keeper_release(tmp_path / "2", "2", manifest=manifest)
    old = potions.client.app("keep").slots[0].port
    (folder / "ask.py").write_text(
        "import http.server, os, urllib.request\n"
        "class Handler(http.server.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        try:\n"
        f"            urllib.request.urlopen('http://127.0.0.1:{old}/', timeout=1)\n"
        "            self.send_response(200)\n"
        "        except OSError:\n"
        "            self.send_response(503)\n"
        "        self.end_headers()\n"
        "http.server.HTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()\n"
    )
    with visitors(potions, "keep") as seen:
        refused = potions.refused("deploy", str(folder), "--app", "keep")
        seen.wait_for_more()
    assert "GET /health gave 503" in refused.text
    assert (seen.failed, set(seen.versions)) == ([], {"1"})


def test_a_new_app_cuts_off_nobody_who_waits(potions: Platform, tmp_path: Path) -> None:
    """The proxy's configuration changes once the visitors of the other app have their answers."""
    potions.do("apps", "create", "keep")
    potions.do("deploy", str(keeper_release(tmp_path / "1", "1")), "--app", "keep")
    hold = potions.tree("keep").hold(potions.live("keep").other)
    with visitors(potions, "keep") as seen:
        deploying = potions.start("deploy", str(keeper_release(tmp_path / "2", "2", boots=2)), "--app", "keep")
        wait_for(hold.exists, "visitors wait")
        potions.do("apps", "create", "other")
        assert not hold.exists()
        reloaded = len(seen.failed)
        seen.failed.clear()
        seen.wait_for_more()
    # Nobody who waited: a load of the proxy may close a connection on which it was just going to read.
    assert reloaded <= 4, "all who waited were cut off, or nearly"
    assert (deploying.wait(), seen.failed) == (0, [])
    assert seen.versions[-1] == "2"
    assert "503" in potions.version("other")


def test_a_handover_is_not_cancelled_while_the_old_release_ends(potions: Platform, tmp_path: Path) -> None:
    """What it writes at its end is written: it is told so, and the deploy goes on."""
    potions.do("apps", "create", "keep")
    potions.do("deploy", str(keeper_release(tmp_path / "1", "1", stop_takes=2)), "--app", "keep")
    with visitors(potions, "keep") as seen:
        potions.do("deploy", str(keeper_release(tmp_path / "2", "2")), "--app", "keep", "--detach")
        log = potions.tree("keep").deployment_log(2)
        wait_for(lambda: log.exists() and "stop old" in log.read_text(), "the old release ends")
        assert "not interrupted half way" in potions.refused("cancel", "keep", "2").text
        wait_for(lambda: potions.statuses("keep") == ["succeeded"] * 2, "the deploy goes on")
        seen.wait_for_more()
    assert seen.failed == []
    assert_never_two(diary(potions, "keep"))
