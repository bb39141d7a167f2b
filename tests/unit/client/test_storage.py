"""What the client asks about a storage: any path arrives byte for byte, and what breaks off is told as that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from potions.client import Client
from potions.errors import AgentLost, NoRoom, StoredPathRefused, StoredTaken, StoredUnknown
from potions.schema import Existing, FolderPut, Order, StoredFolder, StoredKind, StoredRemoval
from support import answers
from support.canned_agent import Answer, CannedAgent, running_agent

AT = "/apps/blog/storage"
Call = Callable[[Client], Any]


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[CannedAgent]:
    with running_agent(tmp_path / "a.sock") as running:
        yield running


@pytest.fixture
def client(agent: CannedAgent) -> Iterator[Client]:
    with Client(agent.socket) as connected:
        yield connected


REMOVED = StoredRemoval("a", StoredKind.FILE, 1, 5)
PUT = FolderPut("a", 1, 5)

ROUTES: list[tuple[Call, str, str, object, dict[str, str]]] = [
    (lambda c: c.stored("blog", "a b"), "GET", "entry", answers.stored(), {"path": "a b"}),
    (
        lambda c: c.stored_folder("blog", "ä", order=Order.NEWEST, offset=5, limit=7),
        "GET",
        "entries",
        StoredFolder("a", [], 0),
        {"path": "ä", "order": "newest", "offset": "5", "limit": "7"},
    ),
    (lambda c: c.make_stored_folder("blog", "a+b&c"), "POST", "folders", answers.stored(), {"path": "a+b&c"}),
    (lambda c: c.move_stored("blog", "a", "b%20"), "POST", "move", answers.stored(), {"path": "a", "to": "b%20"}),
    (
        lambda c: c.remove_stored("blog", "a#?", recursive=True),
        "DELETE",
        "entry",
        REMOVED,
        {"path": "a#?", "recursive": "true"},
    ),
    (
        lambda c: c.put_stored_file("blog", "a", [b"12", b"345"], size=5, executable=True),
        "PUT",
        "file",
        answers.stored(),
        {"path": "a", "replace": "false", "executable": "true"},
    ),
    (
        lambda c: c.put_stored_folder("blog", "a", [b"tar"], size=9, existing=Existing.SKIP),
        "PUT",
        "archive",
        PUT,
        {"path": "a", "existing": "skip"},
    ),
]


@pytest.mark.parametrize(("call", "method", "route", "value", "query"), ROUTES, ids=[one[2] for one in ROUTES])
def test_each_method_asks_its_route(
    agent: CannedAgent, client: Client, call: Call, method: str, route: str, value: object, query: dict[str, str]
) -> None:
    """Once, with its words, and returns what it answered."""
    agent.says(method, f"{AT}/{route}", value)
    assert call(client) == value
    (asked,) = agent.asked
    assert (asked.method, asked.path, asked.query) == (method, f"{AT}/{route}", query)


def test_sizes_are_told_where_they_are_known(agent: CannedAgent, client: Client) -> None:
    """A file's as HTTP does it; what comes from a stream has none."""
    agent.says("PUT", f"{AT}/file", answers.stored())
    agent.says("PUT", f"{AT}/archive", PUT)
    client.put_stored_file("blog", "a", [b"12", b"345"], size=5)
    client.put_stored_file("blog", "a", [b"12", b"345"])
    client.put_stored_folder("blog", "a", [b"tar"], size=9)
    known, unknown, folder = agent.asked
    assert (known.headers["Content-Length"], known.body) == ("5", b"12345")
    assert (unknown.headers["Transfer-Encoding"], unknown.body) == ("chunked", b"12345")
    assert (folder.headers["Potions-Bytes"], folder.body) == ("9", b"tar")


def test_a_path_that_cannot_be_one_is_never_asked_for(agent: CannedAgent, client: Client) -> None:
    """Refused here, with the same error."""
    for path in ("/a", "../a", "a\0", "x" * 300):
        with pytest.raises(StoredPathRefused):
            client.stored("blog", path)
        with pytest.raises(StoredPathRefused):
            client.move_stored("blog", "a", path)
    assert agent.asked == []


def test_a_file_and_a_folder_come_in_pieces(agent: CannedAgent, client: Client) -> None:
    """With what was counted before."""
    agent.adds("GET", f"{AT}/file", Answer(body=b"12345"))
    counted = {"Potions-Files": "2", "Potions-Bytes": "7"}
    agent.adds("GET", f"{AT}/archive", Answer(body=b"a tar", headers=counted))
    with client.get_stored_file("blog", "a") as coming:
        assert (coming.files, coming.size, b"".join(coming.pieces)) == (1, 5, b"12345")
    with client.get_stored_folder("blog", "a") as coming:
        assert (coming.files, coming.size, b"".join(coming.pieces)) == (2, 7, b"a tar")


def test_what_breaks_off_is_not_taken_for_whole(agent: CannedAgent, client: Client) -> None:
    """Whoever reads is told, in words about what is got."""
    agent.adds("GET", f"{AT}/file", Answer(body=b"12345", short=10))
    with pytest.raises(AgentLost, match="Not all of it came"), client.get_stored_file("blog", "a") as coming:
        list(coming.pieces)


def test_a_put_whose_answer_is_lost_says_what_can_be(agent: CannedAgent, client: Client) -> None:
    """It may be there, whole, or not: nothing is sent twice."""
    agent.adds("PUT", f"{AT}/file", Answer(broken=True))
    agent.adds("PUT", f"{AT}/archive", Answer(broken=True))
    with pytest.raises(AgentLost, match="not known"):
        client.put_stored_file("blog", "a", [b"1"])
    with pytest.raises(AgentLost, match="not known"):
        client.put_stored_folder("blog", "a", [b"1"], size=1)
    assert len(agent.asked) == 2


def test_a_refusal_is_the_error_that_the_agent_raised(agent: CannedAgent, client: Client) -> None:
    """Also one that comes while the body is still being sent."""
    agent.refuses("GET", f"{AT}/file", StoredUnknown("no"))
    agent.refuses("GET", f"{AT}/archive", StoredUnknown("no"))
    agent.refuses("PUT", f"{AT}/file", StoredTaken("taken"), unread=True)
    agent.refuses("PUT", f"{AT}/archive", NoRoom("full"), unread=True)
    for get in (client.get_stored_file, client.get_stored_folder):
        with pytest.raises(StoredUnknown), get("blog", "a"):
            pytest.fail("it began")
    with pytest.raises(StoredTaken):
        client.put_stored_file("blog", "a", (b"x" * 100_000 for _ in range(200)))
    with pytest.raises(NoRoom):
        client.put_stored_folder("blog", "a", (b"x" * 100_000 for _ in range(200)), size=1)


def test_use_comes_line_by_line(agent: CannedAgent, client: Client) -> None:
    """The last line has the result."""
    agent.streams(f"{AT}/usage", [answers.storage_use()])
    (line,) = client.storage_use("blog", depth=2, top=3)
    assert line == answers.storage_use()
    assert agent.asked[0].query == {"depth": "2", "top": "3"}
