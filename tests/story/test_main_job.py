"""The main job: deploy, switch, keep the files, roll back."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from support.platform import Platform, wait_for


@pytest.mark.contract("S3")
@pytest.mark.contract("S5")
@pytest.mark.contract("S7")
@pytest.mark.contract("S8")
@pytest.mark.contract("S9")
def test_files_survive_deploys_and_rollbacks(potions: Platform, release: Callable[..., Path]) -> None:
    """What an app writes to STORAGE_DIR and to ./storage is there after every deploy and rollback; nothing else is."""
    potions.do("apps", "create", "blog")
    potions.do("deploy", str(release("1")), "--app", "blog")
    storage = potions.tree("blog").storage
    assert potions.request("PUT", "blog", f"/file?path={storage}/a/absolute.txt", content=b"one").is_success
    assert potions.request("PUT", "blog", "/file?path=storage/relative.txt", content=b"two").is_success
    assert potions.request("PUT", "blog", "/file?path=priv/static/uploads/lost.txt", content=b"three").is_success
    identity = potions.get("blog", "/stat?path=storage/.").json()

    def seen() -> tuple[object, ...]:
        stat = potions.get("blog", "/stat?path=storage/.").json()
        absolute = potions.get("blog", f"/file?path={storage}/a/absolute.txt").content
        relative = potions.get("blog", "/file?path=storage/relative.txt").content
        return stat["dev"], stat["ino"], absolute, relative

    kept = (identity["dev"], identity["ino"], b"one", b"two")
    for version in ("2", "3"):
        potions.do("deploy", str(release(version)), "--app", "blog")
        assert potions.version("blog") == version
        assert seen() == kept
        assert potions.get("blog", "/file?path=priv/static/uploads/lost.txt").status_code == 404
    potions.do("rollback", "blog")
    assert potions.version("blog") == "2"
    assert seen() == kept
    assert potions.get("blog", "/env").status_code == 200
    assert os.readlink(potions.tree("blog").slot(potions.live("blog")) / "storage") == "../storage"
    wait_for(lambda: not potions.json("deployments", "blog")[0]["draining"], "the drain ends")
