"""`potions server list`, `use` and `remove`, and what a name stands for."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from potions.errors import NameRefused, ServersUnreadable, ServerTaken, ServerUnknown
from potions.ssh.remembered import Server, Servers, name_for, parse_server_name
from support.canned_agent import CannedAgent
from support.laptop import Laptop
from support.sshd import Sshd

SHOP = Server("shop", "root", "example.org")
WIKI = Server("wiki", "anna", "example.net", 2222, "/srv/p/run/agent.sock")


@pytest.fixture
def servers(tmp_path: Path) -> Servers:
    return Servers(tmp_path / "new" / "servers.json")


def test_the_first_one_is_the_default(servers: Servers) -> None:
    """Others are not, until they are chosen; what is remembered twice is changed."""
    assert servers.all() == []
    assert servers.remember(SHOP).default
    assert not servers.remember(WIKI).default
    assert servers.default() is not None
    servers.use("wiki")
    assert [server.name for server in servers.all() if server.default] == ["wiki"]
    assert servers.remember(WIKI).default
    assert servers.use("here") is None
    assert servers.default() is None


def test_a_name_is_one_servers_alone(servers: Servers) -> None:
    """Another address under it is refused; the same one is not."""
    servers.remember(SHOP)
    servers.check(SHOP)
    for other in (Server("shop", "root", "example.com"), Server("shop", "root", "example.org", None, "/a/socket")):
        with pytest.raises(ServerTaken, match=r"root@example\.org"):
            servers.remember(other)


def test_a_word_is_a_name_or_an_address(servers: Servers) -> None:
    """An address finds what is remembered of it, its socket too."""
    servers.remember(WIKI)
    assert servers.find("wiki").socket == WIKI.socket
    assert servers.find("anna@example.net:2222").socket == WIKI.socket
    assert servers.find("anna@example.net").socket is None
    with pytest.raises(ServerUnknown, match="wiki"):
        servers.find("wikki")
    with pytest.raises(ServerUnknown):
        servers.forget("anna@example.net:2222")


def test_the_file_is_its_owners_alone(servers: Servers, tmp_path: Path) -> None:
    """It is written anew wholly or not at all, and one that is broken is told and left."""
    servers.remember(SHOP)
    file = tmp_path / "new" / "servers.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["servers.json"]
    for broken in ("{", '[{"name": "a"}]', '[{"name":"a","user":"b","host":"c","colour":"d"}]'):
        file.write_text(broken)
        with pytest.raises(ServersUnreadable, match=r"servers\.json"):
            servers.remember(WIKI)
        assert file.read_text() == broken


def test_changes_at_once_are_all_kept(servers: Servers) -> None:
    """Two terminals that add a server at the same moment do not lose one."""
    names = [f"s{number}" for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: servers.remember(Server(name, "root", name)), names))
    assert {server.name for server in servers.all()} == set(names)
    assert [server.default for server in servers.all()].count(True) == 1


@pytest.mark.parametrize("name", ["here", "", "-a", "a b", "Shop", "a@b", "../a", "a" * 64, "a.", "ä"])
def test_what_cannot_be_a_name(name: str) -> None:
    """A name can be typed everywhere, and `here` is this computer."""
    with pytest.raises(NameRefused):
        parse_server_name(name)


@pytest.mark.parametrize("host", ["example.org", "10.0.0.1", "2001:db8::1", "My_Host", "here", "fe80::1%eth0", "::1"])
def test_a_name_is_made_of_any_host(host: str) -> None:
    """And can be one."""
    assert parse_server_name(name_for(host))


# The commands


def test_no_server_yet(laptop: Laptop) -> None:
    """An empty list says how to add one."""
    assert "potions server add USER@HOST" in laptop.do("server", "list").out
    assert laptop.json("server", "list") == []
    assert "No server called shop is remembered here." in laptop.refused("server", "use", "shop").err
    assert "shop" in laptop.refused("server", "remove", "shop").err
    assert "No server called shop" in laptop.refused("--server", "shop", "status").err


def test_a_server_is_remembered(laptop: Laptop, sshd: Sshd, agent: CannedAgent) -> None:
    """Added, it is what commands mean; `here` and another choice change that; forgotten, it is gone here alone."""
    laptop.may_enter(sshd)
    told = laptop.do("server", "add", sshd.address, "--name", "shop", "--socket", str(agent.socket)).out
    assert f"shop is remembered: {sshd.address}" in told
    assert [(one["name"], one["default"]) for one in laptop.json("server", "list")] == [("shop", True)]
    assert "blog" in laptop.do("apps", "list").out
    assert "blog" in laptop.do("--server", "shop", "apps", "list").out
    assert "Potions does not run here." in laptop.refused("apps", "list", "--server", "here").err
    laptop.do("server", "use", "here")
    assert "Potions does not run here." in laptop.refused("apps", "list").err
    laptop.do("server", "use", "shop")
    assert "on shop" in laptop.do("status").out
    asked = len(agent.asked)
    assert "not touched" in laptop.do("server", "remove", "shop").out
    assert len(agent.asked) == asked
    assert "Potions does not run here." in laptop.refused("apps", "list").err


def test_nothing_is_remembered_of_a_server_that_is_not_reached(laptop: Laptop, sshd: Sshd) -> None:
    """Nor of one without Potions."""
    laptop.may_enter(sshd)
    laptop.refused("server", "add", sshd.address, env={"POTIONS_AGENT_SOCKET": "/nowhere/agent.sock"})
    assert laptop.json("server", "list") == []


def test_options_of_an_install_are_refused_where_none_is_made(laptop: Laptop) -> None:
    """An agent with a socket of its own was started by a person."""
    refused = laptop.refused("server", "add", "root@a.invalid", "--socket", "/x/agent.sock", "--dashboard", "a.example")
    assert (refused.status, "Nothing is installed" in refused.err) == (2, True)


def test_a_name_that_is_taken_is_refused_before_anything_is_sent(laptop: Laptop) -> None:
    """Nobody is called for a name that cannot be given."""
    laptop.config.mkdir(parents=True)
    (laptop.config / "servers.json").write_text(json.dumps([{"name": "shop", "user": "root", "host": "a.invalid"}]))
    assert "another server already" in laptop.refused("server", "add", "root@b.invalid", "--name", "shop").err
    assert "cannot be the name" in laptop.refused("server", "add", "root@b.invalid", "--name", "here").err
