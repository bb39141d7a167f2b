"""Logs in an open page: each line once, in order, whatever becomes of the connection; and text whatever is in it."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from support.browsing import Dashboard, Visit
from support.platform import wait_for
from support.releases import behave_release

LINES = 80
BUILD = f'[build]\ncommand = "for i in $(seq 1 {LINES}); do echo line $i; sleep 0.1; done"\n'
TICKING = """\
import http.server, itertools, os, threading, time

def tick():
    for number in itertools.count(1):
        print(f"tick {number} <img src=x onerror=alert(1)>", flush=True)
        time.sleep(0.02)

threading.Thread(target=tick, daemon=True).start()
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
SCRIPTED = '<svg xmlns="http://www.w3.org/2000/svg"><script>parent.hacked = true</script></svg>'


def kill_dashboard(dashboard: Dashboard) -> None:
    """As a crash would; the supervisor starts it anew."""
    before = _pid(dashboard)
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: _pid(dashboard) not in (0, before), "the dashboard is started anew")


def _pid(dashboard: Dashboard) -> int:
    return next(part.pid for part in dashboard.platform.client.status().parts if part.name == "dashboard")


def numbers(page: Page, word: str) -> list[int]:
    """The numbers behind a word in the log, in the order of its lines."""
    return [int(found) for found in re.findall(rf"\b{word} (\d+)", page.inner_text("#log"))]


@pytest.mark.contract("P2")
def test_a_deployment_is_watched_through_a_crash_of_the_dashboard(
    dashboard: Dashboard, visit: Visit, tmp_path: Path
) -> None:
    """No line of its build is lost or comes twice, and the end is told, without anybody who loads the page anew."""
    dashboard.platform.client.create_app("built")
    deploying = dashboard.platform.start(
        "deploy", str(behave_release(tmp_path / "1", "1", manifest=BUILD)), "--app", "built"
    )
    wait_for(lambda: dashboard.platform.client.deployments("built"), "the deploy begins")
    page = visit("/apps/built/deployments/1")
    page.evaluate("window.stillHere = true")
    wait_for(lambda: numbers(page, "line")[-1:] > [5], "the log is followed")
    kill_dashboard(dashboard)
    expect(page.locator(".outcome")).to_contain_text("serves built now", timeout=60_000)
    assert numbers(page, "line") == list(range(1, LINES + 1))
    assert page.evaluate("window.stillHere") is True
    assert deploying.wait(60) == 0
    dashboard.complaints.clear()


def test_what_an_app_prints_is_followed_through_a_crash_of_the_dashboard(
    dashboard: Dashboard, visit: Visit, tmp_path: Path
) -> None:
    """Each line once, in order; markup in a line is text; a pause keeps what comes meanwhile."""
    dashboard.platform.client.create_app("ticking")
    release = behave_release(tmp_path / "1", "1", procfile="web: python3 ticking.py", files={"ticking.py": TICKING})
    dashboard.platform.do("deploy", str(release), "--app", "ticking")
    page = visit("/apps/ticking/logs")
    begun = wait_for(lambda: numbers(page, "tick")[-1:], "there are lines")[0]
    kill_dashboard(dashboard)
    wait_for(lambda: numbers(page, "tick")[-1] > begun + 50, "it goes on behind the crash")
    seen = numbers(page, "tick")
    assert seen == list(range(seen[0], seen[0] + len(seen)))
    assert page.locator("#log img").count() == 0
    page.get_by_role("button", name="Pause").click()
    paused = numbers(page, "tick")[-1]
    expect(page.get_by_role("button", name=re.compile(r"Continue \(\d+ new\)"))).to_be_visible()
    assert numbers(page, "tick")[-1] == paused
    page.get_by_role("button", name="Continue").click()
    wait_for(lambda: numbers(page, "tick")[-1] > paused, "it goes on behind the pause")
    seen = numbers(page, "tick")
    assert seen == list(range(seen[0], seen[0] + len(seen)))
    dashboard.complaints.clear()


@pytest.mark.contract("B9")
def test_a_stored_picture_with_a_script_is_text(dashboard: Dashboard, visit: Visit) -> None:
    """It is neither shown as a picture nor opened by its address."""
    dashboard.platform.client.create_app("pictures")
    dashboard.platform.client.put_stored_file("pictures", "drawn.svg", [SCRIPTED.encode()])
    page = visit("/apps/pictures/storage?path=drawn.svg")
    assert "parent.hacked" in page.inner_text("main")
    assert page.locator("main img, main object, main iframe").count() == 0
    assert page.evaluate("window.hacked") is None
    sent = dashboard.send(page, "GET", "/apps/pictures/storage/file?path=drawn.svg")
    assert sent.headers["Content-Disposition"].startswith("attachment")
    assert sent.headers["Content-Type"] == "application/octet-stream"
    assert sent.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in sent.headers["Content-Security-Policy"]
