"""Variables: they arrive byte for byte, two of them are the platform's alone, and no value is seen by others."""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from potions.errors import ReservedVariable, VariableRefused
from potions.names import ENV_VALUE_MAX_BYTES
from potions.schema import Liveness, Status, Variable, VariablesChange
from support.platform import Platform
from support.raw_api import ask, refused
from support.seen_by_app import command_lines_with, environ, files_with, value_of
from support.side_by_side import BLOG, BLOG2, SideBySide

LOCKED = ("STORAGE_DIR", "PORT")
RESERVED_WORDS = {
    "STORAGE_DIR": "It always is the path of the app's persistent storage",
    "PORT": "Each slot has a port of its own",
}
#: Nothing in it may come out of a list, a log or an error.
SECRET = 'wolpertinger "4711" $HOME'


@pytest.fixture(scope="module")
def blogs(shared_platform: Platform) -> Iterator[SideBySide]:
    """`blog` and `blog2`, both serving."""
    both = SideBySide(shared_platform)
    try:
        yield both.set_up()
    finally:
        both.close()


def saved(blogs: SideBySide, app: str = BLOG) -> dict[str, Variable]:
    return {variable.name: variable for variable in blogs.client.variables(app, reveal=True)}


def redeploy(blogs: SideBySide, app: str = BLOG) -> None:
    ended = blogs.end_of(blogs.client.deploy(app))
    assert ended.status is Status.SUCCEEDED, f"{ended.failure}\n{blogs.words(ended)}"


def put(blogs: SideBySide, values: dict[str, str], app: str = BLOG) -> None:
    blogs.client.change_variables(app, VariablesChange(set=values))


@pytest.fixture(autouse=True)
def leave_no_variables(blogs: SideBySide) -> Iterator[None]:
    """The next test finds none of this one's."""
    yield
    drop_own(blogs)


def drop_own(blogs: SideBySide) -> None:
    own = [
        name
        for name, variable in saved(blogs).items()
        if not variable.auto and variable.liveness is not Liveness.REMOVED
    ]
    blogs.client.change_variables(BLOG, VariablesChange(unset=own))


def assert_locked_ones_are_true(blogs: SideBySide, app: str = BLOG) -> None:
    """The process itself has the storage's path and its own slot's port, each exactly once."""
    assert value_of(blogs.potions, app, "STORAGE_DIR") == str(blogs.potions.tree(app).storage).encode()
    port = blogs.port(app, blogs.potions.live(app))
    assert value_of(blogs.potions, app, "PORT") == str(port).encode()
    assert blogs.potions.get(app).json()["port"] == port


# Reserved


@pytest.mark.contract("S16")
@pytest.mark.contract("P6")
def test_the_command_line_refuses_the_locked_ones(blogs: SideBySide, tmp_path: Path) -> None:
    """Set, unset and imported, from a file and from standard input: refused with the reason, nothing saved."""
    before = saved(blogs)
    dotenv = tmp_path / ".env"
    for name in LOCKED:
        dotenv.write_text(f"GOOD=1\nexport {name}=/elsewhere\n")
        for words, stdin in (
            (("env", "set", BLOG, f"{name}=/elsewhere"), ""),
            (("env", "set", BLOG, name), "/elsewhere"),
            (("env", "unset", BLOG, name), ""),
            (("env", "import", BLOG, str(dotenv)), ""),
            (("env", "import", BLOG), f"GOOD=1\n{name}='/elsewhere'\n"),
        ):
            outcome = blogs.potions.refused(*words, stdin=stdin)
            assert outcome.status == 2, words
            assert f"{name} is reserved" in outcome.err
            assert RESERVED_WORDS[name] in outcome.err
    assert saved(blogs) == before


@pytest.mark.contract("S16")
def test_the_agent_refuses_the_locked_ones_itself(blogs: SideBySide) -> None:
    """Through the socket, in every form a request can have, alone and hidden among good ones; nothing is saved."""
    before = saved(blogs)
    path = f"/apps/{BLOG}/variables"
    for name in LOCKED:
        for body in (
            {"set": {name: "/elsewhere"}},
            {"set": {"GOOD": "1", name: ""}},
            {"unset": [name]},
            {"set": {"GOOD": "1"}, "unset": [name]},
            {"dotenv": f"GOOD=1\n{name}=/elsewhere\n"},
            {"dotenv": f"export\t{name}=/elsewhere"},
            {"dotenv": f"\ufeff{name}=/elsewhere"},
            {"dotenv": f"  '{name}' = /elsewhere"},
            {"dotenv": f"A=1\r{name}=/elsewhere"},
        ):
            told = refused(blogs.potions, "PATCH", path, body)
            assert told.code == "variable-reserved", f"{body}: {told}"
            assert f"{name} is reserved" in told.text
    assert saved(blogs) == before


@pytest.mark.contract("S16")
def test_no_other_name_can_stand_for_a_locked_one(blogs: SideBySide) -> None:
    """What is not exactly a name is refused; there is nothing that would be cut or trimmed to a locked one."""
    before = saved(blogs)
    path = f"/apps/{BLOG}/variables"
    for name in LOCKED:
        for disguised in (
            f"{name}\n",
            f" {name}",
            f"{name} ",
            f"{name}\0",
            f"X=1\n{name}",
            f"export {name}",
            f"{name}=",
        ):
            told = refused(blogs.potions, "PATCH", path, {"set": {disguised: "/elsewhere"}})
            assert told.code == "name-refused", f"{disguised!r}: {told}"
            assert refused(blogs.potions, "PATCH", path, {"unset": [disguised]}).code == "name-refused"
    assert saved(blogs) == before


@pytest.mark.contract("S16")
@pytest.mark.contract("S5")
def test_a_value_cannot_smuggle_a_locked_one_in(blogs: SideBySide) -> None:
    """Line feeds, quotes, NUL-like text and `export`: whatever stands in a value stays in it, seen from within."""
    for app in (BLOG, BLOG2):
        values = {f"SMUGGLER_{number}": value for number, value in enumerate(smugglers())}
        put(blogs, values, app)
        redeploy(blogs, app)
        for name, value in values.items():
            assert value_of(blogs.potions, app, name) == value.encode(), value
        assert_locked_ones_are_true(blogs, app)
    with pytest.raises(VariableRefused, match="NUL"):
        put(blogs, {"SMUGGLER": "1\0STORAGE_DIR=/elsewhere"})


def smugglers() -> Iterator[str]:
    for name in LOCKED:
        for before in (
            "1\n",
            "1\r\n",
            "1\nexport ",
            '1"\n',
            "1'\n",
            '1",',
            "1\\\n",
            "1\\0",
            "1 ",
            "1;",
            "1\u2028",
            "$(",
            "%(",
        ):
            yield f"{before}{name}=/elsewhere"
        yield f'"\n{name}="/elsewhere'
        yield f"${{{name}:=/elsewhere}}"


@pytest.mark.contract("S16")
def test_an_imported_value_cannot_smuggle_a_locked_one_in(blogs: SideBySide) -> None:
    """A quoted value of several lines stays one value; only a line of its own is a variable, and is refused."""
    text = 'A="1\nSTORAGE_DIR=/elsewhere"\nB=\'1\nexport PORT=1\'\nC="1\\nPORT=1"\nD=1 # PORT=1\n#PORT=1\n'
    blogs.potions.do("env", "import", BLOG, stdin=text)
    redeploy(blogs)
    assert value_of(blogs.potions, BLOG, "A") == b"1\nSTORAGE_DIR=/elsewhere"
    assert value_of(blogs.potions, BLOG, "B") == b"1\nexport PORT=1"
    assert value_of(blogs.potions, BLOG, "C") == b"1\nPORT=1"
    assert value_of(blogs.potions, BLOG, "D") == b"1"
    assert_locked_ones_are_true(blogs)


@pytest.mark.contract("S16")
def test_a_manifest_cannot_set_a_locked_one(blogs: SideBySide) -> None:
    """The deploy fails with the reason before anything of the release runs; its other values smuggle nothing."""
    for name in LOCKED:
        ended = blogs.fails(
            blogs.release("bad", manifest=f'[env]\nGOOD = "1"\n{name} = "/elsewhere"\n'), "variable-reserved"
        )
        assert ended.failure is not None
        assert f"{name} is reserved (potions.toml [env])" in ended.failure.what
    manifest = '[env]\nA = "1\\nSTORAGE_DIR=/elsewhere"\nB = """\n1\nexport PORT=1"""\n'
    blogs.works(blogs.release("good", manifest=manifest))
    assert value_of(blogs.potions, BLOG, "A") == b"1\nSTORAGE_DIR=/elsewhere"
    assert_locked_ones_are_true(blogs)


def test_a_release_cannot_take_a_locked_one_along(blogs: SideBySide) -> None:
    """A `.env` file in the release, and one in storage, are files of the app's: the platform reads neither."""
    files = {".env": "STORAGE_DIR=/elsewhere\nPORT=1\n", ".env.blue": "PORT=1\0", ".env.green": "PORT=1\0"}
    blogs.works(blogs.release("with-dotenv", files=files))
    assert_locked_ones_are_true(blogs)


# Any text arrives


TABLE = {
    "EMPTY": "",
    "SPACES": "  both ends  ",
    "LINES": "one\ntwo\r\nthree\n\n",
    "QUOTES": "\"double\" 'single' `back`",
    "EQUALS": "=a==b=",
    "DOLLAR": "$HOME ${HOME} $(id) $$ \\$",
    "PERCENT": "%(here)s %% %d %(ENV_HOME)s",
    "HASH": "# not a comment # nor ; this",
    "SEMICOLON": "; exit 1 ; #",
    "BACKSLASH": "\\n \\t \\\\ \\",
    "CONTROL": "".join(map(chr, range(1, 32))) + "\x7f",
    "UNICODE": "zürich ∑ 日本語 🧪 \u200b\u202e\ufeff\u2028",
    "SHELL": "'; touch /tmp/owned; echo '",
    "BRACES": "{$PORT} {env.PORT} {{ x }} [a] *?",
    "LARGEST": "ü" * (ENV_VALUE_MAX_BYTES // 2),
    "LARGEST_LINES": "x\n" * (ENV_VALUE_MAX_BYTES // 2),
    "lower_case_1": "1",
    "_": "underscore",
}


@pytest.mark.contract("P6")
def test_every_text_arrives_byte_for_byte(blogs: SideBySide) -> None:
    """Through the API, the database, supervisord and the launcher; also after a restart, and the manifest's own too."""
    put(blogs, TABLE)
    manifest = "[env]\n" + "".join(
        f"M_{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in TABLE.items() if name != "CONTROL"
    )
    blogs.works(blogs.release("table", manifest=manifest))

    def look() -> None:
        seen = dict(entry.split(b"=", 1) for entry in environ(blogs.potions, BLOG))
        for name, value in TABLE.items():
            assert seen[name.encode()] == value.encode(), name
            assert name == "CONTROL" or seen[f"M_{name}".encode()] == value.encode(), name

    look()
    blogs.client.restart(BLOG)
    look()


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)
NAME = st.from_regex(r"\AH_[A-Za-z0-9_]{1,30}\Z")


def test_any_text_arrives_byte_for_byte(blogs: SideBySide) -> None:
    """The same for texts that nobody thought of, a hundred and more to a deploy."""

    @settings(max_examples=4, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.dictionaries(NAME, TEXT, min_size=100, max_size=200))
    def check(values: dict[str, str]) -> None:
        put(blogs, values)
        redeploy(blogs)
        seen = dict(entry.split(b"=", 1) for entry in environ(blogs.potions, BLOG))
        assert {name: seen.get(name.encode()) for name in values} == {
            name: text.encode() for name, text in values.items()
        }
        drop_own(blogs)

    check()


def test_the_command_line_carries_any_text(blogs: SideBySide) -> None:
    """From standard input without its last line feed, as a word, and from a `.env` file, which expands nothing."""
    largest = "ü" * (ENV_VALUE_MAX_BYTES // 2)
    blogs.potions.do("env", "set", BLOG, "FROM_STDIN", stdin="  line one\n\tline 'two' \"$HOME\"\n\n")
    blogs.potions.do("env", "set", BLOG, "LARGEST", stdin=largest)
    blogs.potions.do("env", "set", BLOG, "WORD=a=b $HOME\n'\"%# ü", "EMPTY=")
    blogs.potions.do(
        "env", "import", BLOG, stdin="D1=$HOME ${X:-y}\nD2='a # b'\nD3=\"tab\\tline\\n\"\nexport D4 = spaced\nD5=\n"
    )
    found = {name: variable.value for name, variable in saved(blogs).items()}
    assert found["FROM_STDIN"] == "  line one\n\tline 'two' \"$HOME\"\n"
    assert found["LARGEST"] == largest
    assert (found["WORD"], found["EMPTY"]) == ("a=b $HOME\n'\"%# ü", "")
    assert (found["D1"], found["D2"], found["D3"]) == ("$HOME ${X:-y}", "a # b", "tab\tline\n")
    assert (found["D4"], found["D5"]) == ("spaced", "")


def test_what_no_process_can_be_given_is_refused(blogs: SideBySide) -> None:
    """NUL, bytes that are no text, and more than 100 kB: refused with the reason and without the value."""
    before = saved(blogs)
    large = SECRET + "x" * ENV_VALUE_MAX_BYTES
    path = f"/apps/{BLOG}/variables"
    for body, code in (
        ({"set": {"A": f"{SECRET}\0"}}, "variable-refused"),
        ({"set": {"GOOD": "1", "A": large}}, "variable-refused"),
        ({"dotenv": f"A='{large}'"}, "variable-refused"),
        ({"set": {"A": 4711}}, "request-refused"),
        ({"set": {"A": [SECRET]}}, "request-refused"),
        ({"sett": {"A": SECRET}}, "request-refused"),
        (b'{"set": {"A": "wolpertinger \xff"}}', "request-refused"),
        (b'{"set": {"A": "wolpertinger \\ud800"}}', "request-refused"),
        (b'{"set": {"A": "wolpertinger', "request-refused"),
    ):
        told = refused(blogs.potions, "PATCH", path, body)
        assert told.code == code, told
        assert "wolpertinger" not in told.text
    for stdin in (b"wolpertinger \xff", b"wolpertinger \0", large.encode()):
        outcome = blogs.potions.refused("env", "set", BLOG, "A", stdin=stdin)
        assert outcome.status == 2
        assert "wolpertinger" not in outcome.text
    outcome = blogs.potions.refused("env", "import", BLOG, stdin="GOOD=1\nwolpertinger\n-----BEGIN-----\n")
    assert "line 2" in outcome.err.lower()
    assert "wolpertinger" not in outcome.text
    assert saved(blogs) == before


def test_more_than_a_process_can_be_given_at_once_fails_plainly(blogs: SideBySide) -> None:
    """Each value is small enough, all together are not: the deploy says so, and what serves goes on."""
    put(blogs, {f"PART_{number}": "x" * ENV_VALUE_MAX_BYTES for number in range(80)})
    ended = blogs.fails(blogs.release("heavy"), "app-exited")
    assert any("Argument list too long" in line for line in blogs.output(ended))


# Automatic ones, and what is live


@pytest.mark.contract("P6")
def test_automatic_variables_come_with_the_app(blogs: SideBySide) -> None:
    """Each with its badge; two locked, the rest a person's to change; each app has a secret of its own."""
    blogs.client.create_app("fresh")
    found = saved(blogs, "fresh")
    assert set(found) == {"STORAGE_DIR", "PORT", "SECRET_KEY_BASE", "PHX_HOST", "PHX_SERVER", "MIX_ENV"}
    assert all(variable.auto for variable in found.values())
    assert {name for name, variable in found.items() if variable.locked} == set(LOCKED)
    assert found["STORAGE_DIR"].value == str(blogs.potions.tree("fresh").storage)
    assert found["PHX_HOST"].value == "fresh.localhost"
    key = found["SECRET_KEY_BASE"].value or ""
    assert len(key) >= 64 and key != saved(blogs)["SECRET_KEY_BASE"].value
    listing = blogs.potions.do("env", "list", "fresh").out
    rows = {line.split()[0]: line for line in listing.splitlines()[1:]}
    assert all("auto" in rows[name] for name in found)
    assert {name for name in found if "🔒" in rows[name]} == set(LOCKED)
    blogs.client.delete_app("fresh", purge=True)


@pytest.mark.contract("P6")
def test_automatic_variables_are_live_and_a_persons_to_change(blogs: SideBySide) -> None:
    """The secret is the same after two deploys; one that is edited loses its badge, one that is removed stays away."""
    app = "changed"
    blogs.client.create_app(app)
    blogs.works(blogs.release("1"), app)
    key = value_of(blogs.potions, app, "SECRET_KEY_BASE")
    assert key is not None and len(key) >= 64
    blogs.client.change_variables(app, VariablesChange(set={"PHX_HOST": "example.org"}, unset=["MIX_ENV"]))
    blogs.works(blogs.release("2"), app)
    assert value_of(blogs.potions, app, "SECRET_KEY_BASE") == key
    assert value_of(blogs.potions, app, "PHX_HOST") == b"example.org"
    assert value_of(blogs.potions, app, "PHX_SERVER") == b"true"
    assert value_of(blogs.potions, app, "MIX_ENV") is None
    found = saved(blogs, app)
    assert (found["PHX_HOST"].auto, found["PHX_SERVER"].auto, "MIX_ENV" in found) == (False, True, False)
    blogs.client.change_variables(app, VariablesChange(unset=["SECRET_KEY_BASE"]))
    redeploy(blogs, app)
    assert value_of(blogs.potions, app, "SECRET_KEY_BASE") is None
    blogs.client.delete_app(app, purge=True)


@pytest.mark.contract("P7")
def test_a_change_waits_for_the_next_deploy(blogs: SideBySide) -> None:
    """What runs is not touched, not even by a restart; the list says what is saved and not live, until a deploy."""
    put(blogs, {"STATE": "old", "GOING": "1"})
    redeploy(blogs)
    running = environ(blogs.potions, BLOG)
    with blogs.unchanged(BLOG, BLOG2):
        blogs.potions.do("env", "set", BLOG, "STATE", "NEW=1", stdin="new")
        blogs.potions.do("env", "unset", BLOG, "GOING")
        assert environ(blogs.potions, BLOG) == running
    states = {name: variable.liveness for name, variable in saved(blogs).items()}
    assert (states["STATE"], states["NEW"], states["GOING"]) == (Liveness.SAVED, Liveness.SAVED, Liveness.REMOVED)
    assert states["PHX_HOST"] is states["PORT"] is Liveness.LIVE
    listing = blogs.potions.do("env", "list", BLOG).out
    assert "saved, not live" in listing and "removed, still live" in listing
    assert "Variables that are saved, not live: 3." in blogs.potions.do("apps", "show", BLOG).out
    assert {variable.liveness for variable in blogs.client.variables(BLOG2)} == {Liveness.LIVE}
    blogs.client.restart(BLOG)
    assert environ(blogs.potions, BLOG) == running
    redeploy(blogs)
    assert (value_of(blogs.potions, BLOG, "STATE"), value_of(blogs.potions, BLOG, "NEW")) == (b"new", b"1")
    assert value_of(blogs.potions, BLOG, "GOING") is None
    assert {variable.liveness for variable in blogs.client.variables(BLOG)} == {Liveness.LIVE}
    assert "not live" not in blogs.potions.do("env", "list", BLOG).out


@pytest.mark.contract("P7")
def test_a_rollback_brings_back_the_variables_of_then(blogs: SideBySide) -> None:
    """What was set, changed and removed since is undone in the process; what is saved stays, and shows as not live."""
    put(blogs, {"STATE": "then", "GONE_SINCE": "1"})
    redeploy(blogs)
    blogs.client.change_variables(BLOG, VariablesChange(set={"STATE": "now", "NEW_SINCE": "1"}, unset=["GONE_SINCE"]))
    redeploy(blogs)
    assert value_of(blogs.potions, BLOG, "STATE") == b"now"
    ended = blogs.end_of(blogs.client.rollback(BLOG))
    assert ended.status is Status.SUCCEEDED
    assert (value_of(blogs.potions, BLOG, "STATE"), value_of(blogs.potions, BLOG, "GONE_SINCE")) == (b"then", b"1")
    assert value_of(blogs.potions, BLOG, "NEW_SINCE") is None
    assert_locked_ones_are_true(blogs)
    found = saved(blogs)
    assert (found["STATE"].value, found["STATE"].liveness) == ("now", Liveness.SAVED)
    assert (found["NEW_SINCE"].liveness, found["GONE_SINCE"].liveness) == (Liveness.SAVED, Liveness.REMOVED)
    redeploy(blogs)
    assert value_of(blogs.potions, BLOG, "STATE") == b"now"


def test_changes_come_whole_or_not_at_all(blogs: SideBySide) -> None:
    """One bad name among many, an unknown one to remove, the same one twice: an error, and nothing is saved."""
    before = saved(blogs)
    for words, status in (
        (("env", "set", BLOG, "GOOD=1", "1BAD=2"), 2),
        (("env", "set", BLOG, "GOOD=1", "GOOD=2"), 2),
        (("env", "unset", BLOG, "PHX_HOST", "NO_SUCH"), 1),
        (("env", "set", BLOG), 2),
        (("env", "import", BLOG, "/no/such/file"), 2),
        (("env", "set", "no-such-app", "A=1"), 1),
    ):
        assert blogs.potions.refused(*words).status == status, words
    assert saved(blogs) == before


# Nobody sees a value


@pytest.mark.contract("P8")
def test_values_are_sealed_at_rest(blogs: SideBySide) -> None:
    """In the whole home only the slot's own environment file has a value, 0600; the key is 0600; lists hide it."""
    potions = blogs.potions
    potions.do("env", "set", BLOG, "STATE", stdin=SECRET)
    assert files_with(potions.home.root, SECRET.encode()) == {}
    redeploy(blogs)
    assert value_of(potions, BLOG, "STATE") == SECRET.encode()
    assert files_with(potions.home.root, SECRET.encode()) == {potions.tree(BLOG).env_file(potions.live(BLOG)): 0o600}
    assert potions.home.secret_key.stat().st_mode & 0o777 == 0o600
    assert command_lines_with(SECRET) == []
    listing = potions.do("env", "list", BLOG)
    assert "hidden" in listing.out and "wolpertinger" not in listing.text
    assert SECRET in potions.do("env", "list", BLOG, "--reveal").out
    for path in ("/variables", "", "/deployments", "/deployments/1/events", "/logs", "/removal"):
        assert "wolpertinger" not in ask(potions, "GET", f"/apps/{BLOG}{path}").text
    assert SECRET in [one["value"] for one in ask(potions, "GET", f"/apps/{BLOG}/variables?reveal=true").json()]


@pytest.mark.contract("P8")
def test_values_stay_out_of_logs_and_errors(blogs: SideBySide) -> None:
    """An app that prints its variables while its build, its migration or its start fails: the log has the names."""
    potions = blogs.potions
    put(blogs, {"STATE": SECRET, "LINES": "wolpertinger-one\nwolpertinger-two"})
    redeploy(blogs)
    home_of_app = potions.tree(BLOG).root
    tell = 'echo "begin $STATE end"; env; echo "$LINES" >&2'
    manifests = {
        "build-failed": f"[build]\ncommand = '''{tell}; exit 3'''\n",
        "migration-failed": f"[run]\nmigrate = '''{tell}; exit 3'''\n",
        "app-exited": f"[run]\nstart = '''{tell}; exit 3'''\n",
    }
    for code, manifest in manifests.items():
        ended = blogs.fails(blogs.release(code, manifest=manifest), code)
        words = blogs.words(ended)
        assert "begin [STATE] end" in words, words
        assert "[LINES]" in words
        for text in (words, str(ended), potions.tree(BLOG).deployment_log(ended.number).read_text()):
            assert "wolpertinger" not in text
    told = potions.run("deploy", str(blogs.release("again", manifest=manifest)), "--app", BLOG)
    assert "begin [STATE] end" in told.text and "wolpertinger" not in told.text
    # What the app itself prints while it runs is the app's own log; the platform's files have nothing.
    kept = set(files_with(potions.home.root, b"wolpertinger"))
    own = {home_of_app / "logs" / f"{colour}.log" for colour in ("blue", "green")}
    environments = {home_of_app / f".env.{colour}" for colour in ("blue", "green")}
    assert kept - own <= environments
    assert command_lines_with("wolpertinger") == []


@pytest.mark.contract("P8")
def test_a_value_given_by_command_line_does_not_reach_further(blogs: SideBySide, release: Callable[..., Path]) -> None:
    """`NAME=VALUE` works, with a word about `ps`; no process that outlives the command has it in its command line."""
    outcome = blogs.potions.do("env", "set", BLOG, f"STATE={SECRET}")
    assert "visible in `ps`" in outcome.err
    assert "wolpertinger" not in outcome.text
    deploying = blogs.client.deploy(BLOG)
    assert command_lines_with(SECRET) == []
    blogs.end_of(deploying)
    assert command_lines_with(SECRET) == []


def test_errors_of_reserved_names_never_show_a_value() -> None:
    """Not even where the value was tried for a locked name."""
    assert SECRET not in str(ReservedVariable("PORT"))
    assert set(string.printable) >= set(str(ReservedVariable("PORT", "line 1")))
