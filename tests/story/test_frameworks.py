"""The examples of the guides, deployed: uploads outlive releases, and only the path meant for them serves them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.frameworks import FRAMEWORKS, PNG, Framework, on_potions, run_locally
from support.platform import Platform


@pytest.fixture
def framework(request: pytest.FixtureRequest) -> Framework:
    found: Framework = request.param
    if found.name == "express" and shutil.which("npm") is None:
        pytest.skip("needs npm: scripts/install_test_tools installs it, as root")
    return found


@pytest.mark.contract("S13")
@pytest.mark.contract("S14")
@pytest.mark.parametrize("framework", FRAMEWORKS, indirect=True, ids=lambda framework: framework.name)
def test_uploads_outlive_a_deploy_and_a_rollback(
    potions: Platform, framework: Framework, tmp_path: Path, names: Iterator[str]
) -> None:
    """Built as `potions init` says, served at /uploads whatever release runs; and a developer has them in ./storage."""
    app = next(names)
    project = framework.copied_to(tmp_path / framework.name)
    manifest = (project / "potions.toml").read_text()
    (project / "potions.toml").unlink()
    (project / ".gitignore").unlink()
    potions.do("init", str(project), "--app", "pictures", "--yes")
    assert (project / "potions.toml").read_text() == manifest

    potions.do("apps", "create", app)
    potions.do("deploy", str(project), "--app", app)
    visitor, tree = on_potions(potions, app, framework), potions.tree(app)
    assert visitor.heading() == "Pictures"
    name = visitor.upload()
    visitor.serves(name)
    stored = tree.storage / "uploads" / name
    assert stored.read_bytes() == PNG
    assert stored.stat().st_uid == tree.storage.stat().st_uid

    framework.headed(project, "Newer pictures")
    potions.do("deploy", str(project), "--app", app)
    assert visitor.heading() == "Newer pictures"
    visitor.serves(name)

    potions.do("rollback", app)
    assert visitor.heading() == "Pictures"
    visitor.serves(name)

    for through in ((), ("potions", "dev", "--")):
        with run_locally(framework, project, tree.slot(potions.live(app)), *through) as developer:
            local = developer.upload()
            developer.serves(local)
            assert (project / "storage" / "uploads" / local).read_bytes() == PNG
