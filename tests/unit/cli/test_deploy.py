"""`potions deploy` and `redeploy`: from the archive to what serves, and every way it can end."""

from __future__ import annotations

import signal
import subprocess
import threading
from pathlib import Path

import msgspec
import pytest

from potions.client import PACKED_BYTES, UNPACKED_BYTES
from potions.errors import AgentUnreachable, AppUnknown, NoRoom
from potions.model.deployment import Failure
from potions.schema import Deployment, DeploymentCreate, ErrorBody, Kind, Status
from support import answers
from support.canned_agent import CannedAgent
from support.command import Run, Spawn

DEPLOYMENT = "/apps/blog/deployments/2"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive as far as the command line looks into it: the agent here does not unpack."""
    path = tmp_path / "blog-2.tar.gz"
    path.write_bytes(b"\x1f\x8b" + b"x" * 100_000)
    return path


def ready(agent: CannedAgent, ended: Deployment) -> None:
    """An agent that takes a release and deploys it with the given end."""
    agent.says("GET", "/apps/blog", answers.detail(serves=ended.number if ended.status.served else 1))
    agent.says("POST", "/apps/blog/releases", answers.release())
    agent.says("POST", "/apps/blog/deployments", answers.deployment(2, status=Status.QUEUED))
    agent.says("GET", DEPLOYMENT, answers.deployment(2, status=Status.BUILDING))
    agent.says("GET", DEPLOYMENT, ended)
    good = ended.status is Status.SUCCEEDED
    agent.streams(f"{DEPLOYMENT}/events", answers.good_deploy() if good else answers.bad_deploy())


def test_a_deploy_is_sent_and_followed(run: Run, agent: CannedAgent, archive: Path) -> None:
    """The archive arrives whole, each step is a line with its time, and the end says what serves where."""
    ready(agent, answers.deployment(2))
    outcome = run("deploy", str(archive), "--app", "blog")
    assert (outcome.status, outcome.err) == (0, "")
    lines = [line.split() for line in outcome.out.splitlines()]
    assert lines[0][:5] == ["✓", "sent", "blog-2.tar.gz", "as", "r2:"]
    assert lines[1:] == [
        ["Deploy", "2", "of", "blog:", "r2", "(blog-2.tar.gz)"],
        ["✓", "unpack", "0.3", "s", "9.0", "MB", "of", "18.0", "MB"],
        ["✓", "start", "12", "s"],
        ["blog", "serves", "r2", "now", "from", "green,", "after", "4.2", "s."],
        ["http://blog.localhost:8480"],
    ]
    upload = next(asked for asked in agent.asked if asked.path == "/apps/blog/releases")
    assert upload.body == archive.read_bytes()
    assert upload.query == {"source": "blog-2.tar.gz"}
    assert upload.headers[PACKED_BYTES] == str(archive.stat().st_size)
    created = next(asked for asked in agent.asked if asked.path == "/apps/blog/deployments")
    assert created.decoded(DeploymentCreate) == DeploymentCreate(answers.HASH)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A Git checkout with files that Git ignores, a virtual environment and a storage."""
    top = tmp_path / "src"
    ignored = [f"cache/{number}.tmp" for number in range(4)]
    for name in ("Procfile", "node_modules/a.js", *ignored, "env/pyvenv.cfg", "storage/a", "storage/b"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text("12345")
    (top / "cache" / "kept").touch()
    (top / ".gitignore").write_text("node_modules\n*.tmp\n")
    subprocess.run(["git", "init", "-q", str(top)], check=True)
    return top


def test_what_of_a_directory_is_not_sent_is_said(run: Run, agent: CannedAgent, checkout: Path) -> None:
    """What Git ignores and virtual environments in one line, a storage with its size in another."""
    ready(agent, answers.deployment(2))
    lines = run("deploy", str(checkout), "--app", "blog").out.splitlines()
    assert lines[0] == (
        "· not sent: node_modules/, cache/0.tmp, cache/1.tmp and 2 more (ignored by Git); env/ (virtual environment)"
    )
    assert lines[1] == "· storage/ stays here: 2 files, 10 bytes; it is not part of a release"
    assert lines[2].startswith("✓ sent src as r2")


def test_what_git_ignores_is_sent_on_request(run: Run, agent: CannedAgent, checkout: Path) -> None:
    """`--everything` sends it, and leaves a storage and virtual environments here nevertheless."""
    ready(agent, answers.deployment(2))
    lines = run("deploy", str(checkout), "--app", "blog", "--everything").out.splitlines()
    assert lines[0] == "· not sent: env/ (virtual environment)"
    assert lines[1].startswith("· storage/ stays here")
    upload = next(asked for asked in agent.asked if asked.path == "/apps/blog/releases")
    assert upload.headers[UNPACKED_BYTES] == str(6 * 5 + len("node_modules\n*.tmp\n"))


def test_in_json_nothing_is_said_of_what_stays(run: Run, agent: CannedAgent, checkout: Path) -> None:
    """Standard output is the API's answer and nothing else."""
    ready(agent, answers.deployment(2))
    outcome = run("deploy", str(checkout), "--app", "blog", "--detach", "--json")
    assert msgspec.json.decode(outcome.out, type=Deployment).number == 2
    assert outcome.err == ""


def test_a_failed_deploy_says_why_and_what_still_serves(run: Run, agent: CannedAgent, archive: Path) -> None:
    """The failing step, the app's own last lines, what, why, what to do, and the release before it. Status 1."""
    ready(agent, answers.failed(2))
    outcome = run("deploy", str(archive), "--app", "blog")
    assert outcome.status == 1
    assert "  ✗ verify" in outcome.out
    assert "    │ ValueError: [red]no[/red] database\n" in outcome.out
    assert outcome.err.splitlines() == [
        "Error: Deploy 2 of blog failed. It ended before it answered.",
        "Exit status 3.",
        "Correct it.",
        "The release before it (r1) still serves.",
    ]


def test_a_deploy_that_failed_ends_with_1_whatever_its_error(run: Run, agent: CannedAgent, archive: Path) -> None:
    """An error whose own status is another one, such as a mistake in the manifest, ends a deploy with 1, too."""
    ready(agent, answers.failed(2, failure=Failure("manifest-refused", "A key is wrong.")))
    assert run("deploy", str(archive), "--app", "blog").status == 1


def test_a_first_deploy_that_failed(run: Run, agent: CannedAgent, archive: Path) -> None:
    """Where nothing served before, that is what is said."""
    ready(agent, answers.failed(2))
    agent.answers["GET", "/apps/blog"].clear()
    agent.says("GET", "/apps/blog", answers.detail(serves=None))
    assert "Nothing serves blog yet" in run("deploy", str(archive), "--app", "blog").err


def test_a_cancelled_deploy_is_no_success(run: Run, agent: CannedAgent, archive: Path) -> None:
    """Somebody else cancelled it: status 1, and what still serves."""
    ready(agent, answers.deployment(2, status=Status.CANCELLED))
    outcome = run("deploy", str(archive), "--app", "blog")
    assert outcome.status == 1
    assert "Deploy 2 of blog was cancelled." in outcome.err
    assert "(r1) still serves" in outcome.err


def test_a_waiting_deploy_says_for_whom_it_waits(run: Run, agent: CannedAgent, archive: Path) -> None:
    """While it is queued, the deploy before it is named, once."""
    ready(agent, answers.deployment(2))
    queued = answers.deployment(2, status=Status.QUEUED)
    agent.answers["GET", DEPLOYMENT].clear()
    for found in (queued, queued, answers.deployment(2, status=Status.BUILDING), answers.deployment(2)):
        agent.says("GET", DEPLOYMENT, found)
    shop = answers.deployment(12, "shop", Status.BUILDING)
    cafe = answers.deployment(3, "cafe", Status.QUEUED)
    agent.says("GET", "/status", answers.platform(running=[shop, cafe, queued]))
    out = run("deploy", str(archive), "--app", "blog").out
    assert out.count("waiting for deploy 12 of shop and 1 more\n") == 1
    assert out.index("waiting") < out.index("unpack")


def test_detached_it_is_only_queued(run: Run, agent: CannedAgent, archive: Path) -> None:
    """`--detach` returns at once, with the command that follows it."""
    ready(agent, answers.deployment(2))
    outcome = run("deploy", str(archive), "--app", "blog", "--detach")
    assert outcome.status == 0
    assert "is queued" in outcome.out
    assert "potions log blog 2 -f" in outcome.out
    assert agent.paths()[-1] == "POST /apps/blog/deployments"


@pytest.mark.parametrize(("ended", "status"), [(answers.deployment(2), 0), (answers.failed(2), 1)])
def test_in_json_it_waits_and_prints_the_deployment(
    run: Run, agent: CannedAgent, archive: Path, ended: Deployment, status: int
) -> None:
    """`--json` prints the deployment as it ended and nothing else; a failure stands on standard error as ErrorBody."""
    ready(agent, ended)
    agent.answers["GET", DEPLOYMENT] = agent.answers["GET", DEPLOYMENT][-1:]
    outcome = run("deploy", str(archive), "--app", "blog", "--json")
    assert outcome.status == status
    assert msgspec.json.decode(outcome.out, type=Deployment) == ended
    if status:
        assert msgspec.json.decode(outcome.err, type=ErrorBody).code == "app-exited"


# Before anything is sent


def test_an_app_that_does_not_exist_costs_no_upload(run: Run, agent: CannedAgent, archive: Path) -> None:
    """A wrong name is told before the archive is sent, with how to make the app."""
    agent.refuses("GET", "/apps/blog", AppUnknown("blog"))
    outcome = run("deploy", str(archive), "--app", "blog")
    assert outcome.status == 1
    assert "potions apps create blog" in outcome.err
    assert agent.paths() == ["GET /apps/blog"]


def test_the_manifest_names_the_app(run: Run, agent: CannedAgent, tmp_path: Path) -> None:
    """A directory's potions.toml says which app it is."""
    agent.refuses("GET", "/apps/shop", AppUnknown("shop"))
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "potions.toml").write_text('app = "shop"\n')
    run("deploy", str(tmp_path / "src"))
    assert agent.paths() == ["GET /apps/shop"]


def test_the_option_wins_over_the_manifest(run: Run, agent: CannedAgent, tmp_path: Path) -> None:
    """What is typed counts, also beside a manifest."""
    agent.refuses("GET", "/apps/blog", AppUnknown("blog"))
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "potions.toml").write_text('app = "shop"\n')
    run("deploy", str(tmp_path / "src"), "--app", "blog")
    assert agent.paths() == ["GET /apps/blog"]


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        (None, ["Which app", "There is no", "--app APP"]),
        (b'[run]\nstart = "x"\n', ["Which app", "does not say it", 'app = "APP"']),
        (b"app = 1\n", ["potions.toml"]),
        (b"app = '\xff'\n", ["not UTF-8"]),
        (b'ap = "blog"\n', ["unknown key ap", "Did you mean app?"]),
    ],
)
def test_a_directory_that_does_not_name_its_app(
    run: Run, agent: CannedAgent, tmp_path: Path, manifest: bytes | None, words: list[str]
) -> None:
    """Without `--app` and without a good manifest nothing is asked, and the ways out are named."""
    (tmp_path / "src").mkdir()
    if manifest is not None:
        (tmp_path / "src" / "potions.toml").write_bytes(manifest)
    outcome = run("deploy", str(tmp_path / "src"))
    assert outcome.status == 2
    assert all(word in outcome.err for word in words), outcome.err
    assert agent.asked == []


def test_an_archive_needs_the_option(run: Run, agent: CannedAgent, archive: Path) -> None:
    """An archive is not opened for its manifest: `--app` is asked for."""
    outcome = run("deploy", str(archive))
    assert outcome.status == 2
    assert f"potions deploy {archive} --app APP" in outcome.err
    assert agent.asked == []


def test_a_refused_upload_is_told(run: Run, agent: CannedAgent, archive: Path) -> None:
    """A release that the disk would not hold is refused, and nothing is deployed."""
    agent.says("GET", "/apps/blog", answers.detail())
    agent.refuses("POST", "/apps/blog/releases", NoRoom("The disk is full.", do="Free 3 GB."))
    outcome = run("deploy", str(archive), "--app", "blog")
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err == "Error: The disk is full.\nFree 3 GB.\n"


# While following


def test_ctrl_c_leaves_the_deploy_alone(agent: CannedAgent, archive: Path, spawn: Spawn) -> None:
    """An interrupt ends the following only; it says so, and how to look again. Status 130."""
    hold = threading.Event()
    ready(agent, answers.deployment(2))
    agent.answers["GET", f"{DEPLOYMENT}/events"].clear()
    agent.streams(f"{DEPLOYMENT}/events", answers.good_deploy()[:4], hold=hold)
    process = spawn("deploy", str(archive), "--app", "blog", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    while b"unpack" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    hold.set()
    assert process.returncode == 130
    assert b"Deploy 2 of blog goes on without you." in err
    assert b"potions log blog 2 -f" in err
    assert b"potions cancel blog 2" in err
    assert b"Traceback" not in err


def test_a_stream_that_breaks_is_never_a_success(run: Run, agent: CannedAgent, archive: Path) -> None:
    """The agent went away while following: status 1, and how to look again."""
    ready(agent, answers.deployment(2))
    agent.answers["GET", f"{DEPLOYMENT}/events"].clear()
    agent.streams(f"{DEPLOYMENT}/events", answers.good_deploy()[:4], broken=True)
    outcome = run("deploy", str(archive), "--app", "blog")
    assert outcome.status == 1
    assert "broke" in outcome.err
    assert "potions log blog 2 -f" in outcome.err


def test_an_agent_that_goes_away_before_it_tells_the_end(run: Run, agent: CannedAgent, archive: Path) -> None:
    """The log was whole; which deploy to look at is said all the same."""
    ready(agent, answers.deployment(2))
    agent.answers["GET", DEPLOYMENT].clear()
    agent.says("GET", DEPLOYMENT, answers.deployment(2, status=Status.BUILDING))
    agent.refuses("GET", DEPLOYMENT, AgentUnreachable("Potions does not run here."))
    outcome = run("deploy", str(archive), "--app", "blog")
    assert (outcome.status, "Potions does not run here." in outcome.err) == (1, True)
    assert "potions log blog 2 -f" in outcome.err


def test_a_stream_that_ends_too_early_is_never_a_success(run: Run, agent: CannedAgent, archive: Path) -> None:
    """A log that ends in good order while the deploy goes on is told as well."""
    ready(agent, answers.deployment(2, status=Status.VERIFYING))
    agent.answers["GET", f"{DEPLOYMENT}/events"].clear()
    agent.streams(f"{DEPLOYMENT}/events", answers.good_deploy()[:4])
    outcome = run("deploy", str(archive), "--app", "blog")
    assert outcome.status == 1
    assert "broke off" in outcome.err


# Redeploy


def test_a_redeploy_names_no_release(run: Run, agent: CannedAgent) -> None:
    """The release that serves is deployed again, with today's variables."""
    ready(agent, answers.deployment(2, kind=Kind.REDEPLOY))
    assert run("redeploy", "blog").status == 0
    assert agent.asked[0].decoded(DeploymentCreate) == DeploymentCreate()


def test_a_deploy_that_was_rolled_back_meanwhile(run: Run, agent: CannedAgent, archive: Path) -> None:
    """It was deployed, and what became of it is said."""
    ready(agent, answers.deployment(2, status=Status.ROLLED_BACK))
    outcome = run("deploy", str(archive), "--app", "blog")
    assert outcome.status == 0
    assert "was rolled back since" in outcome.out
