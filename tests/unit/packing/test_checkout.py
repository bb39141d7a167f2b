"""What is sent of a Git checkout: what Git says belongs to it, asked of the real Git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from potions.errors import ReleaseRefused
from potions.packing import LeftOut, open_release
from potions.packing.listing import list_directory


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of this test's own, so that nobody's settings of Git decide."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return tmp_path / "home"


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """The top of a checkout that tracks nothing yet."""
    made = tmp_path / "shop"
    made.mkdir()
    git(made, "init", "-q")
    return made


def git(folder: Path, *words: str) -> None:
    settings = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always")
    subprocess.run(["git", *settings, *words], cwd=folder, check=True, capture_output=True)


def put(folder: Path, name: str, text: str = "x") -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def commit(folder: Path, *paths: str) -> None:
    git(folder, "add", "-f", *paths)
    git(folder, "commit", "-qm", "more")


def sent(folder: Path, *, everything: bool = False) -> set[str]:
    """The names of the files and links that would be sent."""
    return {member.name for member in list_directory(folder, everything=everything).members if not member.is_directory}


def left_out(folder: Path) -> LeftOut:
    return open_release(folder).left_out


# What belongs to it


def test_what_git_ignores_stays_here(top: Path, home: Path) -> None:
    """By any ignore file, in any folder, of the repository or of the user; what is new and not ignored is sent."""
    for name in ("app.py", "lib/new.py", "node_modules/a/index.js", ".env", "lib/a.log", "lib/a.tmp", "mine", "theirs"):
        put(top, name)
    put(top, ".gitignore", "/node_modules/\n.env\n")
    put(top, "lib/.gitignore", "*.log\n")
    put(top, ".git/info/exclude", "mine\n")
    put(home, ".config/git/ignore", "theirs\n*.tmp\n")
    commit(top, "app.py")
    assert sent(top) == {".gitignore", "app.py", "lib/.gitignore", "lib/new.py"}
    assert set(left_out(top).ignored) == {".env", "lib/a.log", "lib/a.tmp", "mine", "node_modules/", "theirs"}


def test_what_git_tracks_is_sent_even_if_it_is_ignored(top: Path) -> None:
    """Tracking wins, as it does for Git."""
    put(top, ".gitignore", "*.lock\n/dist/\n")
    for name in ("a.lock", "b.lock", "dist/kept.js", "dist/other.js"):
        put(top, name)
    commit(top, "a.lock", "dist/kept.js")
    assert sent(top) == {".gitignore", "a.lock", "dist/kept.js"}
    assert set(left_out(top).ignored) == {"b.lock", "dist/other.js"}


def test_what_is_on_the_disk_is_sent_and_not_what_was_committed(top: Path) -> None:
    """A tracked file that was deleted is not there; one that was changed is sent as it is now."""
    for name in ("gone.py", "changed.py", "moved/a.py"):
        put(top, name)
    commit(top, ".")
    (top / "gone.py").unlink()
    (top / "moved").rename(top / "elsewhere")
    put(top, "changed.py", "now longer")
    assert sent(top) == {"changed.py", "elsewhere/a.py"}
    assert open_release(top).unpacked_bytes == len("now longer") + 1


def test_a_tracked_file_that_became_something_else_is_that(top: Path) -> None:
    """A directory in place of a file, a link in place of a directory."""
    for name in ("file", "folder/a"):
        put(top, name)
    commit(top, ".")
    (top / "file").unlink()
    put(top, "file/new")
    (top / "folder" / "a").unlink()
    (top / "folder").rmdir()
    (top / "folder").symlink_to("file")
    assert sent(top) == {"file/new", "folder"}


def test_names_can_be_anything(top: Path) -> None:
    """Git would quote some of them; they are sent as the bytes they are."""
    names = ["new\nline", 'quo"te', "back\\slash", " space ", ":(glob)x", "caf\u00e9", os.fsdecode(b"latin\xe9"), "-rf"]
    for name in names:
        put(top, f"tracked/{name}")
        put(top, f"new/{name}")
    commit(top, "tracked")
    assert sent(top) == {f"{folder}/{name}" for folder in ("tracked", "new") for name in names}


def test_a_conflict_is_sent_once(top: Path) -> None:
    """Git lists a file three times while two versions of it are being merged."""
    put(top, "a", "1")
    commit(top, "a")
    git(top, "checkout", "-qb", "other")
    put(top, "a", "2")
    commit(top, "a")
    git(top, "checkout", "-q", "-")
    put(top, "a", "3")
    commit(top, "a")
    with pytest.raises(subprocess.CalledProcessError):
        git(top, "merge", "other")
    assert [member.name for member in list_directory(top).members] == ["a"]


def test_directories_without_a_file_of_it_are_not_sent(top: Path) -> None:
    """As for Git, which does not know them; they are nothing to speak of either."""
    put(top, "a")
    (top / "empty" / "below").mkdir(parents=True)
    assert [member.name for member in list_directory(top).members] == ["a"]
    assert left_out(top) == LeftOut()


def test_virtual_environments_stay_here_ignored_or_not(top: Path) -> None:
    """One that is ignored is named with what Git ignores, another for what it is."""
    for name in ("app.py", ".venv/pyvenv.cfg", ".venv/bin/python", "env/pyvenv.cfg", "env/bin/python"):
        put(top, name)
    put(top, ".gitignore", ".venv\n")
    assert sent(top) == {".gitignore", "app.py"}
    assert left_out(top) == LeftOut(ignored=(".venv/",), environments=("env/",))


@pytest.mark.parametrize("place", ["_build/prod/rel/shop", "dist", "backend"])
def test_below_the_top_everything_is_sent(top: Path, place: str) -> None:
    """What was built lies where Git ignores it, and what is ignored there belongs to it."""
    put(top, ".gitignore", "_build\ndist\n*.beam\n")
    put(top, f"{place}/a.beam")
    put(top, f"{place}/storage/b")
    assert sent(top / place) == {"a.beam", "storage/b"}
    assert left_out(top / place) == LeftOut()


def test_everything_is_sent_on_request(top: Path) -> None:
    """Also what Git ignores, as what was built of a source is; but neither Git's own folder nor a storage."""
    for name in ("a", ".env", "dist/b", "storage/c", "theme/.git", "theme/d"):
        put(top, name)
    put(top, ".gitignore", ".env\ndist\n")
    assert sent(top, everything=True) == {".gitignore", "a", ".env", "dist/b", "theme/d"}
    assert open_release(top, everything=True).left_out == LeftOut(storage=(1, 1))


def test_everything_needs_no_git(top: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Then nobody says whether a storage belongs to the release, and it is left to the agent."""
    put(top, "a")
    put(top, "storage/b")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert sent(top, everything=True) == {"a", "storage/b"}


def test_a_checkout_is_known_by_way_of_a_link_too(top: Path, tmp_path: Path) -> None:
    """Whoever deploys a link to a checkout means the checkout."""
    put(top, ".gitignore", ".env")
    put(top, ".env")
    (tmp_path / "link").symlink_to(top)
    assert sent(tmp_path / "link") == {".gitignore"}


def test_the_directory_one_is_in_is_a_checkout_too(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`potions deploy` without a path."""
    put(top, ".gitignore", ".env")
    put(top, ".env")
    monkeypatch.chdir(top)
    assert sent(Path()) == {".gitignore"}


# Checkouts in checkouts


@pytest.fixture
def inner(tmp_path: Path) -> Path:
    """Another repository, with an ignore file of its own."""
    made = tmp_path / "theme"
    made.mkdir()
    git(made, "init", "-q")
    put(made, ".gitignore", "*.css")
    put(made, "theme.scss")
    commit(made, ".")
    return made


def test_a_submodule_says_itself_what_belongs_to_it(top: Path, inner: Path) -> None:
    """Its files are sent, without its `.git`, and by its own ignore files."""
    git(top, "submodule", "add", "-q", str(inner), "lib/theme")
    git(top, "commit", "-qm", "theme")
    put(top, "lib/theme/made.css")
    put(top, "lib/theme/new.scss")
    assert (top / "lib" / "theme" / ".git").is_file()
    assert sent(top) == {".gitmodules", *(f"lib/theme/{name}" for name in (".gitignore", "theme.scss", "new.scss"))}
    assert left_out(top).ignored == ("lib/theme/made.css",)


def test_a_submodule_that_is_not_here_is_an_empty_directory(top: Path, inner: Path, tmp_path: Path) -> None:
    """As it is after a plain `git clone`."""
    git(top, "submodule", "add", "-q", str(inner), "theme")
    git(top, "commit", "-qm", "theme")
    git(tmp_path, "clone", "-q", str(top), "copy")
    assert [member.name for member in list_directory(tmp_path / "copy").members] == [".gitmodules", "theme"]


def test_a_repository_that_lies_in_it_is_sent_by_its_own_rules(top: Path, inner: Path) -> None:
    """Git does not look into it, but it is no less part of the directory than any new folder."""
    inner.rename(top / "theme")
    put(top, "theme/made.css")
    assert sent(top) == {"theme/.gitignore", "theme/theme.scss"}


def test_a_worktree_is_a_checkout(top: Path, tmp_path: Path) -> None:
    """Its `.git` is a file, which is not sent either."""
    put(top, ".gitignore", ".env")
    commit(top, ".")
    git(top, "worktree", "add", "-q", str(tmp_path / "tree"), "-b", "other")
    put(tmp_path / "tree", ".env")
    put(tmp_path / "tree", "new")
    assert sent(tmp_path / "tree") == {".gitignore", "new"}


# A storage at the top


def test_a_storage_that_git_does_not_track_stays_here(top: Path) -> None:
    """It is what the app wrote while it was developed: named with its size, and no part of a release."""
    for name in ("app.py", "storage/a", "storage/deep/b", "lib/storage/c"):
        put(top, name, "12345")
    assert sent(top) == {"app.py", "lib/storage/c"}
    assert left_out(top) == LeftOut(storage=(2, 10))


def test_of_a_storage_only_what_git_tracks_is_sent(top: Path) -> None:
    """A keeper keeps the directory in the repository, and nothing else of it in the release."""
    put(top, "storage/.gitkeep", "")
    put(top, "storage/seed.db", "12345")
    commit(top, ".")
    put(top, "storage/photo.jpg", "123")
    assert sent(top) == {"storage/.gitkeep", "storage/seed.db"}
    assert left_out(top) == LeftOut(storage=(1, 3))


def test_a_storage_that_is_ignored_is_named_as_a_storage(top: Path) -> None:
    """Whatever keeps it here, it is said once, by its own name."""
    put(top, ".gitignore", "/storage\nlog\n")
    put(top, "storage/a", "12345")
    put(top, "log/b")
    assert left_out(top) == LeftOut(ignored=("log/",), storage=(1, 5))


@pytest.mark.parametrize(("kind", "stays"), [("file", (1, 5)), ("link", (0, 0)), ("empty", None)])
def test_a_storage_that_is_no_directory_stays_too(top: Path, kind: str, stays: tuple[int, int] | None) -> None:
    """A file and a link of that name; an empty directory is nothing that could stay."""
    put(top, "app.py")
    if kind == "file":
        put(top, "storage", "12345")
    elif kind == "link":
        (top / "storage").symlink_to("/var/lib")
    else:
        (top / "storage").mkdir()
    assert sent(top) == {"app.py"}
    assert left_out(top) == LeftOut(storage=stays)


def test_a_storage_outside_of_a_checkout_is_left_to_the_agent(tmp_path: Path) -> None:
    """Nobody says there whether it belongs to the release."""
    put(tmp_path / "release", "storage/a")
    assert sent(tmp_path / "release") == {"storage/a"}


# Where Git does not say it


def refusal(folder: Path) -> ReleaseRefused:
    with pytest.raises(ReleaseRefused) as refused:
        open_release(folder)
    assert "--everything" in refused.value.do
    return refused.value


def test_without_git_it_is_not_guessed(top: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Sending all of it would send what nobody wants to send; whoever does says so."""
    put(top, "a")
    monkeypatch.setenv("PATH", str(tmp_path))
    refused = refusal(top)
    assert "git cannot be run here" in refused.why
    assert refused.do.startswith("Install Git")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: gives files away")
def test_a_repository_of_somebody_else_is_not_trusted(top: Path) -> None:
    """Git would run programs that it names. The error says how to trust it."""
    put(top, "a")
    for path in (top, top / ".git"):
        os.chown(path, 65534, 65534)
    refused = refusal(top)
    assert "dubious ownership" in refused.why
    assert f"git config --global --add safe.directory {top}" in refused.do
    git(top, "config", "--global", "--add", "safe.directory", str(top))
    assert sent(top) == {"a"}


@pytest.mark.parametrize("around", [True, False])
def test_a_git_folder_that_is_none_is_refused(top: Path, tmp_path: Path, around: bool) -> None:
    """Git would look further up, and answer for a repository that lies around this one."""
    folder = top / "inside" if around else tmp_path / "alone"
    put(folder, "a")
    (folder / ".git").mkdir()
    assert refusal(folder).why


def test_a_folder_where_all_is_ignored_is_told_as_that(top: Path) -> None:
    """It is not empty, and there is a way to send it."""
    put(top, ".gitignore", "*")
    put(top, "a")
    assert "ignored by Git" in refusal(top).why


def test_what_is_set_for_another_repository_does_not_count(
    top: Path, inner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git's own hooks set variables that name the repository they run for."""
    put(top, "a")
    monkeypatch.setenv("GIT_DIR", str(inner / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(inner))
    monkeypatch.setenv("GIT_INDEX_FILE", str(inner / ".git" / "index"))
    assert sent(top) == {"a"}


def test_no_program_of_the_repository_is_run(top: Path, tmp_path: Path) -> None:
    """A repository can name one that watches its files, which Git would ask."""
    put(top, "a")
    monitor = tmp_path / "monitor"
    monitor.write_text(f"#!/bin/sh\ntouch {tmp_path}/it-ran\n")
    monitor.chmod(0o755)
    git(top, "config", "core.fsmonitor", str(monitor))
    git(top, "ls-files", "--others")
    ran = (tmp_path / "it-ran").exists()
    (tmp_path / "it-ran").unlink(missing_ok=True)
    assert sent(top) == {"a"}
    assert ran and not (tmp_path / "it-ran").exists()
