"""A real Mix release on a server: within the walls its node has its port mapper, its commands and its console."""

from __future__ import annotations

import pytest

from potions.layout import Colour
from support.mix import MixReleases, build_releases
from support.platform import wait_for
from support.server import InstalledServer

OLD, NEW = "0.1.0", "0.2.0"
#: The nodes that are registered where the app's node is.
NAMES = 'IO.puts Enum.map_join(elem(:erl_epmd.names({127, 0, 0, 1}), 1), " ", &elem(&1, 0))'


@pytest.fixture(scope="module")
def mix(tmp_path_factory: pytest.TempPathFactory) -> MixReleases:
    return build_releases(tmp_path_factory)


@pytest.fixture
def blog(fresh_server: InstalledServer, mix: MixReleases) -> InstalledServer:
    """Two apps of the same release, so that what they share would be seen."""
    for app in ("blog", "shop"):
        fresh_server.do("apps", "create", app)
        deploy(fresh_server, mix, app, OLD)
    return fresh_server


def deploy(server: InstalledServer, mix: MixReleases, app: str, version: str) -> None:
    target = f"/root/{app}-{version}.tar.gz"
    server.machine.put(mix.archive(version), target)
    server.do("deploy", target, "--app", app)
    server.settled(app)
    assert server.version(app) == version


def rpc(server: InstalledServer, app: str, expression: str) -> str:
    return server.do("run", app, "--", "bin/mix_app", "rpc", expression).strip()


def epmds(server: InstalledServer) -> list[str]:
    """The unit of each epmd that runs anywhere on the server."""
    shown = server.machine.run("ps --no-headers -o unit= -C epmd").out
    return sorted(shown.split())


@pytest.mark.contract("P1")
@pytest.mark.contract("P15")
@pytest.mark.contract("P16")
@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_each_slot_of_an_erlang_app_has_a_port_mapper_of_its_own(blog: InstalledServer, mix: MixReleases) -> None:
    """It came with that slot's release, runs within its walls and ends with it; a reboot brings the same back."""
    assert epmds(blog) == ["blog-blue.service", "shop-blue.service"]
    for app in ("blog", "shop"):
        assert rpc(blog, app, "IO.puts node()") == f"{app}_blue@127.0.0.1"
        # Beside the node the one by which it is asked may be known there, and none of another app.
        known = rpc(blog, app, NAMES).split()
        assert known
        assert {name.rpartition("-")[2] for name in known} == {f"{app}_blue"}
    deploy(blog, mix, "blog", NEW)
    assert blog.live("blog") is Colour.GREEN
    assert epmds(blog) == ["blog-green.service", "shop-blue.service"]
    assert rpc(blog, "blog", "IO.puts node()") == "blog_green@127.0.0.1"

    blog.machine.reboot()
    blog.serves("blog", NEW)
    blog.serves("shop", OLD)
    wait_for(lambda: rpc(blog, "blog", "IO.puts node()") == "blog_green@127.0.0.1", "its node can be asked")
    assert epmds(blog) == ["blog-green.service", "shop-blue.service"]
