"""Reading a stranger's directory and writing into it: nothing is followed, run, waited for or replaced by surprise."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from potions.checkout import read_project, write_files
from potions.errors import ProjectRefused
from potions.project.setting_up import FilePlan, FileState, plan_setup


def fill(folder: Path, **files: str) -> Path:
    for name, text in {"main.py": "", **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_what_says_something_is_read(tmp_path: Path) -> None:
    """Names of all files not too deep below, and the text of those that frameworks are known by."""
    files = {"package.json": "{}", ".gitignore": "a\r\n", "a/b/c/d.py": "", "a/b/c/e/f.py": "", "README.md": "hello"}
    project = read_project(fill(tmp_path, **files))
    assert project.name == tmp_path.name
    assert project.files == {"main.py", "package.json", ".gitignore", "a/b/c/d.py", "README.md"}
    assert project.texts == {"main.py": "", "package.json": "{}", ".gitignore": "a\r\n"}


def test_other_peoples_code_is_not_looked_into(tmp_path: Path) -> None:
    """Packages, virtual environments whatever they are called, hidden folders, and the storage."""
    places = ("node_modules/x", "env", ".git", "storage", "deps", "vendor")
    fill(tmp_path, **{f"{place}/package.json": "{}" for place in places}, **{"env/pyvenv.cfg": ""})
    assert read_project(tmp_path).files == {"main.py"}


def test_no_link_is_followed_and_nothing_is_waited_for(tmp_path: Path) -> None:
    """What a link leads to is no part of the project, a named pipe gives nothing, and a huge file says nothing."""
    outside = fill(tmp_path / "outside", **{"package.json": "{}"})
    project = fill(tmp_path / "project", **{"mix.exs": "x" * 300_000})
    (project / "package.json").symlink_to(outside / "package.json")
    (project / "more").symlink_to(outside)
    (project / "circle").symlink_to(project)
    os.mkfifo(project / "Gemfile")
    (project / "requirements.txt").write_bytes(b"flask\xff\n")
    found = read_project(project)
    assert found.files == {"main.py", "mix.exs", "requirements.txt"}
    assert found.texts == {"main.py": "", "requirements.txt": "flask\ufffd\n"}


def test_what_is_no_project_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with its own words."""
    (tmp_path / "file").write_text("")
    (tmp_path / "empty" / ".git").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    for path, words in (
        ("missing", "There is no directory"),
        ("file", "is not a directory"),
        ("empty", "is empty"),
        (".", "This is your home directory"),
        ("/", "This is the root directory"),
    ):
        with pytest.raises(ProjectRefused, match=words):
            read_project(tmp_path / path)


@pytest.mark.parametrize("name", ["potions.toml", ".gitignore"])
def test_a_file_of_ours_has_to_be_a_file(tmp_path: Path, name: str) -> None:
    """A link or a directory in its place is neither read through nor replaced, and a huge one not cut."""
    for number, make in enumerate(
        (
            lambda path: path.symlink_to("/etc/hostname"),
            lambda path: path.symlink_to("nowhere"),
            lambda path: path.mkdir(),
            lambda path: path.write_text("#" * 300_000),
        )
    ):
        project = fill(tmp_path / str(number))
        make(project / name)
        with pytest.raises(ProjectRefused, match="is not a file that Potions reads"):
            read_project(project)


def test_a_tree_that_git_keeps_is_shipped(tmp_path: Path) -> None:
    """As Laravel's is; what an app stored here, and what only keeps the storage itself, is not."""
    fill(
        tmp_path,
        **{"storage/.gitkeep": "", "storage/.gitignore": "*", "storage/db.sqlite3": "", "storage/uploads/a": ""},
    )
    (tmp_path / "storage" / "circle").symlink_to(tmp_path / "storage")
    assert read_project(tmp_path).shipped == ()
    fill(tmp_path, **{"storage/framework/cache/data/.gitignore": "*", "storage/logs/.gitkeep": ""})
    assert read_project(tmp_path).shipped == ("storage/framework", "storage/logs")
    fill(tmp_path, **{f"storage/{name}/.keep": "" for name in "dcba"})
    assert read_project(tmp_path).shipped == ("storage/a", "storage/b", "storage/c", "…")


def test_what_was_agreed_to_is_written(tmp_path: Path) -> None:
    """Whole, in folders that are made for it; the mode and every byte of a file that was there are kept."""
    fill(tmp_path, **{"mix.exs": "app: :shop"})
    (tmp_path / ".gitignore").write_bytes(b"caf\xe9\r\n/deps\r")
    (tmp_path / ".gitignore").chmod(0o664)
    plan = plan_setup(read_project(tmp_path), "shop")
    write_files(tmp_path, plan.changes)
    assert (tmp_path / "rel/overlays/potions.toml").read_text() == plan.files[0].text
    assert (tmp_path / ".gitignore").read_bytes() == b"caf\xe9\r\n/deps\r\r\n/storage\r\n"
    assert stat.S_IMODE((tmp_path / ".gitignore").stat().st_mode) == 0o664
    assert sorted(os.listdir(tmp_path)) == [".gitignore", "main.py", "mix.exs", "rel"]
    assert plan_setup(read_project(tmp_path), "shop").changes == []


@pytest.mark.parametrize("make", [Path.touch, Path.mkdir, lambda path: path.symlink_to("nowhere")])
def test_a_new_file_replaces_nothing(tmp_path: Path, make: object) -> None:
    """Not even what came into being between the question and the answer, be it a link that leads nowhere."""
    make(tmp_path / "potions.toml")  # type: ignore[operator]
    before = (tmp_path / "potions.toml").lstat()
    with pytest.raises(ProjectRefused, match="has come into being meanwhile"):
        write_files(tmp_path, [FilePlan("potions.toml", FileState.NEW, "new")])
    assert (tmp_path / "potions.toml").lstat() == before
    assert os.listdir(tmp_path) == ["potions.toml"]


def test_a_file_that_somebody_changed_is_left_alone(tmp_path: Path) -> None:
    """Also one that a link took the place of."""
    change = FilePlan(".gitignore", FileState.CHANGED, "a\n/storage\n", before="a\n")
    path = tmp_path / ".gitignore"
    path.write_text("a\nb\n")
    with pytest.raises(ProjectRefused, match="has changed meanwhile"):
        write_files(tmp_path, [change])
    assert path.read_text() == "a\nb\n"
    path.rename(tmp_path / "target")
    path.symlink_to("target")
    with pytest.raises(ProjectRefused, match="has changed meanwhile"):
        write_files(tmp_path, [change])
    assert (tmp_path / "target").read_text() == "a\nb\n"


def test_a_place_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    """With the system's own reason."""
    (tmp_path / "rel").write_text("a file")
    with pytest.raises(ProjectRefused, match="cannot be written") as refused:
        write_files(tmp_path, [FilePlan("rel/overlays/potions.toml", FileState.NEW, "new")])
    assert refused.value.why == "Not a directory."


def test_a_directory_that_may_not_be_written_to_is_told(tmp_path: Path) -> None:
    """And nothing is left behind in it."""
    if os.geteuid() == 0:
        pytest.skip("needs an ordinary user: root may write everywhere")
    fill(tmp_path)
    tmp_path.chmod(0o555)
    with pytest.raises(ProjectRefused, match="cannot be written"):
        write_files(tmp_path, [FilePlan("potions.toml", FileState.NEW, "new")])
    tmp_path.chmod(0o755)
    assert os.listdir(tmp_path) == ["main.py"]
