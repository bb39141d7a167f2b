"""The client asks the right routes, and turns every way an answer can go wrong into an error that says what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from potions import errors
from potions.client import PACKED_BYTES, UNPACKED_BYTES, Client, error_from
from potions.errors import (
    AgentLost,
    AgentUnreachable,
    AppBusy,
    AppUnknown,
    InternalError,
    NameRefused,
    NoRoom,
    PotionsError,
)
from potions.schema import (
    AppCreate,
    Checkup,
    Colour,
    DeploymentCreate,
    DotenvText,
    ErrorBody,
    Liveness,
    LogLine,
    RestoreRequest,
    RollbackRequest,
    RollbackVariables,
    StorageSample,
    TrashEntry,
    Treatment,
    Variable,
    VariableAct,
    VariableEvent,
    VariablesChange,
    VariablesChanged,
)
from support import answers
from support.canned_agent import Answer, CannedAgent, running_agent

CHANGED = VariablesChanged(["A"], [], ["B"], [])
SAMPLE = StorageSample(answers.NOW, 5, 1, 0.1)
CHECKUP = Checkup("0.1.0", "/h", "", 0, [], [], 0.1)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[CannedAgent]:
    with running_agent(tmp_path / "a.sock") as running:
        yield running


@pytest.fixture
def client(agent: CannedAgent) -> Iterator[Client]:
    with Client(agent.socket) as connected:
        yield connected


Call = Callable[[Client], Any]

ROUTES: list[tuple[Call, str, str, object]] = [
    (lambda c: c.status(), "GET", "/status", answers.platform([answers.summary()])),
    (lambda c: c.apps(), "GET", "/apps", [answers.summary()]),
    (lambda c: c.app("blog"), "GET", "/apps/blog", answers.detail()),
    (lambda c: c.app("blog", measure=True), "GET", "/apps/blog", answers.detail()),
    (lambda c: c.storage_history("blog", days=7), "GET", "/apps/blog/storage/history", [SAMPLE]),
    (lambda c: c.create_app("blog"), "POST", "/apps", answers.detail()),
    (lambda c: c.removal("blog"), "GET", "/apps/blog/removal", answers.removal()),
    (lambda c: c.delete_app("blog"), "DELETE", "/apps/blog", answers.removal()),
    (lambda c: c.trash(), "GET", "/trash", [TrashEntry("blog", answers.NOW, answers.NOW, 1, 1)]),
    (lambda c: c.restore_app("blog"), "POST", "/trash/blog/restore", answers.detail()),
    (lambda c: c.stop("blog"), "POST", "/apps/blog/stop", answers.detail()),
    (lambda c: c.start("blog"), "POST", "/apps/blog/start", answers.detail()),
    (lambda c: c.restart("blog"), "POST", "/apps/blog/restart", answers.detail()),
    (lambda c: c.deploy("blog"), "POST", "/apps/blog/deployments", answers.deployment()),
    (lambda c: c.rollback("blog"), "POST", "/apps/blog/rollback", answers.deployment()),
    (lambda c: c.rollback_preview("blog"), "GET", "/apps/blog/rollback", answers.preview()),
    (lambda c: c.releases("blog"), "GET", "/apps/blog/releases", [answers.entry(2), answers.entry(1)]),
    (lambda c: c.diff("blog"), "GET", "/apps/blog/releases/diff", answers.diff()),
    (lambda c: c.deployments("blog"), "GET", "/apps/blog/deployments", [answers.failed()]),
    (lambda c: c.deployment("blog", 2), "GET", "/apps/blog/deployments/2", answers.deployment()),
    (lambda c: c.cancel("blog", 2), "POST", "/apps/blog/deployments/2/cancel", answers.deployment()),
    (
        lambda c: c.variables("blog"),
        "GET",
        "/apps/blog/variables",
        [Variable("PORT", None, True, True, Liveness.LIVE)],
    ),
    (lambda c: c.change_variables("blog", VariablesChange()), "PATCH", "/apps/blog/variables", CHANGED),
    (lambda c: c.preview_variables("blog", VariablesChange()), "POST", "/apps/blog/variables/preview", CHANGED),
    (lambda c: c.export_variables("blog"), "GET", "/apps/blog/variables/export", DotenvText("A=1\n", ["A"], [])),
    (
        lambda c: c.variable("blog", "A"),
        "GET",
        "/apps/blog/variables/named/A",
        Variable("A", "1", False, False, Liveness.LIVE),
    ),
    (
        lambda c: c.variable_history("blog"),
        "GET",
        "/apps/blog/variables/history",
        [VariableEvent(answers.NOW, "ann", VariableAct.SET, added=["A"])],
    ),
    (lambda c: c.checkup(), "GET", "/doctor", CHECKUP),
    (lambda c: c.checkup("blog"), "GET", "/apps/blog/doctor", CHECKUP),
    (lambda c: c.fix(), "POST", "/doctor/fix", Treatment([], CHECKUP)),
    (lambda c: c.fix("blog", ["key"]), "POST", "/apps/blog/doctor/fix", Treatment([], CHECKUP)),
]


@pytest.mark.parametrize(("call", "method", "path", "value"), ROUTES, ids=[f"{m} {p}" for _, m, p, _ in ROUTES])
def test_each_method_asks_its_route(
    agent: CannedAgent, client: Client, call: Call, method: str, path: str, value: object
) -> None:
    """A method asks one route once and returns what it answered."""
    agent.says(method, path, value)
    assert call(client) == value
    assert agent.paths() == [f"{method} {path}"]


@pytest.mark.parametrize(
    ("call", "method", "path", "query"),
    [
        (lambda c: c.delete_app("blog", purge=True), "DELETE", "/apps/blog", {"purge": "true"}),
        (lambda c: c.delete_app("blog"), "DELETE", "/apps/blog", {"purge": "false"}),
        (lambda c: c.removal("blog", purge=True), "GET", "/apps/blog/removal", {"purge": "true"}),
        (lambda c: c.deployments("blog", 3), "GET", "/apps/blog/deployments", {"limit": "3"}),
        (lambda c: c.variables("blog", reveal=True), "GET", "/apps/blog/variables", {"reveal": "true"}),
        (
            lambda c: c.export_variables("blog", automatic=True),
            "GET",
            "/apps/blog/variables/export",
            {"automatic": "true"},
        ),
        (
            lambda c: c.variable_history("blog", limit=3, name="A"),
            "GET",
            "/apps/blog/variables/history",
            {"limit": "3", "variable": "A"},
        ),
        (lambda c: c.rollback_preview("blog"), "GET", "/apps/blog/rollback", {"env": "then"}),
        (
            lambda c: c.rollback_preview("blog", "r3", RollbackVariables.CURRENT),
            "GET",
            "/apps/blog/rollback",
            {"to": "r3", "env": "current"},
        ),
        (lambda c: c.diff("blog"), "GET", "/apps/blog/releases/diff", {"limit": "1000"}),
        (
            lambda c: c.diff("blog", "r1", "7", limit=3),
            "GET",
            "/apps/blog/releases/diff",
            {"before": "r1", "after": "7", "limit": "3"},
        ),
    ],
)
def test_choices_are_sent_in_the_query(
    agent: CannedAgent, client: Client, call: Call, method: str, path: str, query: dict[str, str]
) -> None:
    """What a caller chooses arrives as words of the query."""
    agent.adds(method, path, Answer(404, b"{}"))
    with pytest.raises(PotionsError):
        call(client)
    assert agent.asked[0].query == query


def test_bodies_are_the_structs_of_the_schema(agent: CannedAgent, client: Client) -> None:
    """A write sends exactly the struct that the schema names for it."""
    agent.says("POST", "/apps", answers.detail())
    agent.says("POST", "/trash/blog/restore", answers.detail())
    agent.says("POST", "/apps/blog/deployments", answers.deployment())
    agent.says("PATCH", "/apps/blog/variables", CHANGED)
    agent.says("POST", "/apps/blog/rollback", answers.deployment())
    client.create_app("Not A Name")
    client.restore_app("blog", "blog-old")
    client.deploy("blog", answers.HASH)
    client.change_variables("blog", VariablesChange(set={"A": "ä\n"}, unset=["B"]))
    client.rollback("blog", "r3", RollbackVariables.CURRENT)
    kinds = (AppCreate, RestoreRequest, DeploymentCreate, VariablesChange, RollbackRequest)
    assert [asked.decoded(kind) for asked, kind in zip(agent.asked, kinds, strict=True)] == [
        AppCreate("Not A Name"),
        RestoreRequest("blog-old"),
        DeploymentCreate(answers.HASH),
        VariablesChange(set={"A": "ä\n"}, unset=["B"]),
        RollbackRequest("r3", RollbackVariables.CURRENT),
    ]


@pytest.mark.parametrize("name", ["", "..", "a/b", "Blog", "x" * 41, "blog?purge=true"])
def test_a_name_that_no_app_can_have_is_not_asked_for(agent: CannedAgent, client: Client, name: str) -> None:
    """A name can never change which route is asked."""
    with pytest.raises(NameRefused):
        client.delete_app(name)
    assert agent.asked == []


def test_a_name_in_the_trash_stays_one_piece_of_the_path(agent: CannedAgent, client: Client) -> None:
    """What is looked up in the trash cannot leave its place in the path."""
    agent.adds("POST", "/trash/%2E%2E%2Fapps/restore", Answer(404, b"{}"))
    with pytest.raises(PotionsError):
        client.restore_app("../apps")
    assert agent.paths() == ["POST /trash/%2E%2E%2Fapps/restore"]


# Releases


def test_a_release_is_streamed_with_its_sizes(agent: CannedAgent, client: Client) -> None:
    """The archive arrives byte for byte, with its name and the sizes that are known."""
    agent.says("POST", "/apps/blog/releases", answers.release())
    sent = client.send_release("blog", "blög 2.tar.gz", iter([b"ab", b"", b"c" * 100_000]), packed_bytes=100_002)
    asked = agent.asked[0]
    assert sent == answers.release()
    assert asked.body == b"ab" + b"c" * 100_000
    assert asked.query == {"source": "blög 2.tar.gz"}
    assert asked.headers[PACKED_BYTES] == "100002"
    assert UNPACKED_BYTES not in asked.headers


def test_a_refusal_during_the_upload_is_told(agent: CannedAgent, client: Client) -> None:
    """An agent that refuses before it has read everything is heard, although the upload breaks."""
    agent.refuses("POST", "/apps/blog/releases", NoRoom("The disk is full."), unread=True)
    with pytest.raises(NoRoom, match="The disk is full"):
        client.send_release("blog", "blog", (b"x" * 65_536 for _ in range(200)))


def test_an_error_while_reading_the_archive_is_the_callers(agent: CannedAgent, client: Client) -> None:
    """What goes wrong on the side of the archive is not blamed on the connection."""

    def chunks() -> Iterator[bytes]:
        yield b"x"
        raise errors.ReleaseRefused("It changed while it was read.")

    with pytest.raises(errors.ReleaseRefused):
        client.send_release("blog", "blog", chunks())


def test_a_file_name_that_is_no_text_is_sent_as_well_as_it_can_be(agent: CannedAgent, client: Client) -> None:
    """The name is for people: bytes that are no text become question marks."""
    agent.says("POST", "/apps/blog/releases", answers.release())
    client.send_release("blog", "a\udcff.tar.gz", [b"x"])
    assert agent.asked[0].query == {"source": "a?.tar.gz"}


# Streams


def test_events_and_log_lines_come_one_by_one(agent: CannedAgent, client: Client) -> None:
    """Streams are decoded line by line, and ask for what was chosen."""
    line = LogLine(Colour.BLUE, "a line \u2028 with a separator that is no line feed")
    agent.streams("/apps/blog/deployments/2/events", answers.good_deploy())
    agent.streams("/apps/blog/logs", [line])
    assert list(client.events("blog", 2, follow=True)) == answers.good_deploy()
    assert list(client.logs("blog", lines=5, slot=Colour.BLUE)) == [line]
    assert [asked.query for asked in agent.asked] == [
        {"follow": "true", "drain": "false"},
        {"follow": "false", "lines": "5", "slot": "blue"},
    ]


def test_a_line_may_come_in_pieces(agent: CannedAgent, client: Client) -> None:
    """Where a line is cut on its way does not matter, nor does a missing last line feed."""
    whole = msgspec.json.encode(LogLine(Colour.GREEN, "ü" * 10))
    pieces = [whole[:25], whole[25:] + b"\n\n", whole]
    agent.adds("GET", "/apps/blog/logs", Answer(lines=pieces))
    assert list(client.logs("blog")) == [LogLine(Colour.GREEN, "ü" * 10)] * 2


def test_a_stream_that_breaks_is_told(agent: CannedAgent, client: Client) -> None:
    """A cut connection is an error after the lines that arrived, never a quiet end."""
    agent.streams("/apps/blog/deployments/2/events", answers.good_deploy(), broken=True)
    stream = client.events("blog", 2, follow=True)
    assert [next(stream) for _ in answers.good_deploy()] == answers.good_deploy()
    with pytest.raises(AgentLost):
        next(stream)


def test_a_stream_can_be_refused(agent: CannedAgent, client: Client) -> None:
    """A refusal instead of a stream is the error it tells of."""
    agent.refuses("GET", "/apps/blog/logs", AppUnknown("blog"))
    with pytest.raises(AppUnknown):
        next(client.logs("blog"))


def test_a_line_that_is_not_understood_is_told(agent: CannedAgent, client: Client) -> None:
    """A line of another shape is an error, not skipped."""
    agent.adds("GET", "/apps/blog/logs", Answer(lines=[b'{"slot":"red","text":""}\n']))
    with pytest.raises(InternalError, match="not understood"):
        next(client.logs("blog"))


# Errors


def every_error() -> list[type[PotionsError]]:
    found = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PotionsError)]
    return [kind for kind in found if kind is not PotionsError]


@pytest.mark.parametrize("kind", every_error(), ids=lambda kind: kind.__name__)
def test_every_error_arrives_as_what_it_was(kind: type[PotionsError]) -> None:
    """Each code gives its own class back, with its words, exit status and retry."""
    error = error_from(ErrorBody(kind.code, "What.", "Why.", "Do.", kind.exit_status, kind.retry))
    assert type(error) is kind
    assert (error.what, error.why, error.do) == ("What.", "Why.", "Do.")
    assert error.exit_status == kind.exit_status


def test_a_code_of_a_newer_agent_keeps_its_fields() -> None:
    """An unknown code is still an error with all that the agent said."""
    error = error_from(ErrorBody("moon-too-full", "What.", "Why.", "Do.", 7, True))
    assert isinstance(error, PotionsError)
    assert (error.code, error.exit_status, error.retry) == ("moon-too-full", 7, True)
    assert str(error) == "What.\nWhy.\nDo."


def test_a_refusal_becomes_its_error(agent: CannedAgent, client: Client) -> None:
    """An error answer is raised as the class the agent raised."""
    agent.refuses("POST", "/apps/blog/restart", AppBusy("A deploy runs.", why="One at a time.", do="Wait."))
    with pytest.raises(AppBusy) as caught:
        client.restart("blog")
    assert str(caught.value) == "A deploy runs.\nOne at a time.\nWait."


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"detail":"Not Found"}'])
def test_an_answer_of_something_else_is_told(agent: CannedAgent, client: Client, body: bytes) -> None:
    """What no agent of this version would say is an error with its status."""
    agent.adds("GET", "/apps", Answer(404, body))
    with pytest.raises(InternalError, match="404"):
        client.apps()


def test_a_good_status_with_another_shape_is_told(agent: CannedAgent, client: Client) -> None:
    """An answer that is not what the route answers is an error."""
    agent.adds("GET", "/apps", Answer(200, b'[{"name":1}]'))
    with pytest.raises(InternalError, match="not understood"):
        client.apps()


def test_no_socket_means_that_potions_does_not_run(tmp_path: Path) -> None:
    """A missing socket says how to start Potions."""
    with Client(tmp_path / "none.sock") as client, pytest.raises(AgentUnreachable, match="potions up"):
        client.status()


def test_a_socket_without_a_listener_means_the_same(tmp_path: Path) -> None:
    """A socket that a killed agent left behind is no agent."""
    with running_agent(tmp_path / "a.sock"):
        pass
    with Client(tmp_path / "a.sock") as client, pytest.raises(AgentUnreachable):
        client.status()


def test_nothing_is_sent_twice(agent: CannedAgent, client: Client) -> None:
    """A write whose answer got lost is told as such and not repeated."""
    agent.adds("POST", "/apps/blog/restart", Answer(broken=True))
    with pytest.raises(AgentLost, match="nothing is sent twice"):
        client.restart("blog")
    assert len(agent.asked) == 1


def test_a_proxy_in_the_environment_is_not_asked(agent: CannedAgent, monkeypatch: pytest.MonkeyPatch) -> None:
    """The socket is asked whatever the environment says about proxies."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    agent.says("GET", "/apps", [])
    with Client(agent.socket) as client:
        assert client.apps() == []


def test_a_log_and_events_are_read_on_from_where_they_were(client: Client, agent: CannedAgent) -> None:
    """What came with the last line is handed back; what is not asked for is not sent."""
    agent.streams("/apps/blog/logs", [LogLine(Colour.BLUE, "a", cursor="c")])
    agent.streams("/apps/blog/deployments/2/events", [])
    list(client.logs("blog", after="c-_", contains="a&b", slot=Colour.BLUE))
    list(client.events("blog", 2, after=17))
    assert agent.asked[0].query == {
        "follow": "false",
        "lines": "100",
        "slot": "blue",
        "after": "c-_",
        "contains": "a&b",
    }
    assert agent.asked[1].query["after"] == "17"


def test_a_log_is_got_as_a_file(client: Client, agent: CannedAgent) -> None:
    """With its size, piece by piece."""
    agent.adds("GET", "/apps/blog/logs/file", Answer(body=b"one\ntwo\n"))
    with client.log_file("blog", slot=Colour.GREEN, process="mail") as log:
        assert (log.size, b"".join(log.pieces)) == (8, b"one\ntwo\n")
    assert agent.asked[0].query == {"slot": "green", "process": "mail"}


def test_a_log_of_which_nobody_knows_the_size_is_got_as_well(client: Client, agent: CannedAgent) -> None:
    """That of a server, whose journal is read while it is sent."""
    agent.adds("GET", "/apps/blog/logs/file", Answer(lines=[b"one\n", b"two\n"]))
    with client.log_file("blog") as log:
        assert (log.size, b"".join(log.pieces)) == (None, b"one\ntwo\n")
