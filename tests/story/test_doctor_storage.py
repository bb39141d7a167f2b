"""`potions doctor APP`: what it sees in the storage of a real app, and what it says about its deploys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from support.findings import codes, findings, give_to_app
from support.keeping import keeper_release
from support.platform import Platform

APP = """\
import fcntl, http.server, os, pathlib, sqlite3
storage = pathlib.Path(os.environ["STORAGE_DIR"])
database = sqlite3.connect(storage / "app.db")
database.execute("CREATE TABLE IF NOT EXISTS t (x)")
lock = (storage / "data.json").open("a+")
fcntl.flock(lock, fcntl.LOCK_EX)
scratch = (storage / "scratch").open("w")
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
MAIL = "import time; scratch = open('storage/scratch', 'r+'); time.sleep(600)"


def test_what_can_be_seen_in_a_storage(potions: Platform, release: Callable[..., Path]) -> None:
    """SQLite without WAL, a held lock, two processes that write to one file, and what that means for deploys."""
    potions.client.create_app("notes")
    both = "web: exec python3 app.py\nmail: exec python3 mail.py"
    files = {"app.py": APP, "mail.py": MAIL, "ok.txt": "ok"}
    health = '[health]\npath = "/ok.txt"\n'
    potions.do("deploy", str(release("1", procfile=both, manifest=health, files=files)), "--app", "notes")
    storage = potions.tree("notes").storage
    (storage / "LOCK").write_bytes(b"")
    give_to_app(storage / "LOCK", storage)
    (storage / "out").symlink_to("/etc")
    give_to_app(storage / "out", storage)
    outcome = potions.run("doctor", "notes", "--json")
    found = {one.code: one for one in findings(outcome)}
    assert set(found) == {
        "overlap-risky",
        "sqlite-no-wal",
        "lock-held",
        "written-twice",
        "lock-files",
        "links-out",
    }
    assert outcome.status == 1
    assert found["sqlite-no-wal"].place == "app.db"
    assert found["lock-held"].place == "data.json"
    assert "worker.mail" in found["written-twice"].what
    assert 'strategy = "handover"' in found["overlap-risky"].do
    assert codes(potions) == []
    (potions.tree("notes").slot(potions.live("notes")) / "ok.txt").unlink()
    assert "unhealthy" in codes(potions, "notes")


def test_an_app_of_one_writer_that_hands_over_is_well(potions: Platform, tmp_path: Path) -> None:
    """What it does asks for that, and it does it: nothing to worry about, its site with gates included."""
    potions.client.create_app("keeper")
    potions.do("deploy", str(keeper_release(tmp_path / "1", "1")), "--app", "keeper")
    report = potions.do("doctor", "keeper").out
    assert "lock-held" in report
    assert "deploys hand over, as what was seen asks for" in report
    assert codes(potions) == []
