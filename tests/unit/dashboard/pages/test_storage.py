"""The Storage tab over a real agent: what it shows, what it changes, and whom it refuses what."""

from __future__ import annotations

import os
import re

import httpx
import pytest

from support.browsers import Browser, text_of
from unit.dashboard.pages.conftest import Storage

AT = "/apps/gallery/storage"
HOSTILE = [
    b'quote"s & <b>tags.txt',
    b"new\nline",
    b"caf\xe9\xff",
    "gnp.\N{RIGHT-TO-LEFT OVERRIDE}exe".encode(),
    b"100%25 #?&+;.txt",
    b"back\\slash",
    b"-rf",
    b"{{ 7*7 }}",
]


def said(browser: Browser, answer: httpx.Response) -> str:
    """What the page says to which a form leads."""
    assert answer.status_code == 303, answer.text
    return browser.text(answer.headers["Location"])


# Looking


def test_an_empty_storage_says_what_it_is_for(deployer: Browser, storage: Storage) -> None:
    """And how the app reaches it."""
    page = deployer.text(AT)
    assert "outlives every deploy" in page
    assert "STORAGE_DIR" in page and "./storage" in page and str(storage.folder) in page


def test_folders_come_first_and_everything_has_size_and_time(deployer: Browser, storage: Storage) -> None:
    """By name; with other orders the largest or newest file comes first."""
    for name, size in (("b.txt", 10), ("a.txt", 2000), ("z/inside", 1)):
        storage.write(name, b"x" * size)
    os.symlink("/etc", storage.folder / "way")
    assert re.search(r"z \(folder\).*a\.txt 2\.0 kB.*b\.txt 10 bytes.*way \(link\) leads to /etc", deployer.text(AT))
    assert re.search(r"a\.txt.*b\.txt", deployer.text(f"{AT}?order=largest"))


def test_a_large_folder_has_pages(deployer: Browser, storage: Storage) -> None:
    """Each shows the next ones, and what is behind the last is empty."""
    for number in range(205):
        storage.write(f"f{number:03}")
    first, second = deployer.text(AT), deployer.text(f"{AT}?page=2")
    assert "205 entries, page 1 of 2" in first and "f199" in first and "f200" not in first
    assert "f200" in second and "f199" not in second


@pytest.mark.contract("B9")
@pytest.mark.parametrize("name", HOSTILE, ids=repr)
def test_a_file_of_any_name_is_shown_renamed_and_removed_by_the_links_of_its_page(
    deployer: Browser, storage: Storage, name: bytes
) -> None:
    """Nothing of the name becomes markup, and no byte of it is lost."""
    storage.write(b"d/" + name, b"what is in it")
    listing = deployer.get(f"{AT}?path=d").text
    assert "<b>tags" not in listing and "49" not in text_of(deployer.get(f"{AT}?path=d"))
    (link,) = set(re.findall(r'href="(/apps/gallery/storage\?path=d/[^"&]+)"', listing))
    assert "what is in it" in deployer.text(link)
    path = link.partition("=")[2]
    moved = deployer.post(f"{AT}/move?path={path}", name="plain.txt", folder="d")
    assert "is now d/plain.txt" in said(deployer, moved)
    assert os.listdir(storage.folder / "d") == ["plain.txt"]
    os.rename(storage.folder / "d/plain.txt", os.fsencode(storage.folder) + b"/d/" + name)
    assert "Delete" in deployer.text(f"{AT}/remove?path={path}")
    assert "is removed" in said(deployer, deployer.post(f"{AT}/remove?path={path}"))
    assert os.listdir(storage.folder / "d") == []


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../b", "%2e%2e", "a%00b", "x" * 256, "a&path=b"])
def test_a_path_that_leads_elsewhere_is_refused(deployer: Browser, storage: Storage, path: str) -> None:
    """On every page that takes one."""
    for page in ("", "/move", "/remove", "/file", "/archive", "/picture"):
        assert deployer.get(f"{AT}{page}?path={path}").status_code == 400
    for form in ("/move", "/remove", "/folders"):
        answer = deployer.post(f"{AT}{form}?path={path}", name="n", folder="")
        assert answer.status_code == 400, form


def test_a_link_is_shown_and_followed_nowhere(deployer: Browser, storage: Storage) -> None:
    """Whatever an app links to, its storage ends there."""
    os.symlink("/etc/passwd", storage.folder / "way")
    assert "Leads to /etc/passwd" in deployer.text(f"{AT}?path=way")
    assert "root:" not in deployer.get(f"{AT}?path=way").text
    assert deployer.get(f"{AT}/file?path=way").status_code == 409


def test_what_is_not_there_is_told(deployer: Browser, storage: Storage) -> None:
    """With the status of it, also for an app that nobody has."""
    assert deployer.get(f"{AT}?path=gone").status_code == 404
    assert deployer.get("/apps/nobody/storage").status_code == 404


def test_pages_of_stored_text_show_it_as_text(deployer: Browser, storage: Storage) -> None:
    """A page or a drawing with a script in it is words here."""
    script = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    storage.write("evil.svg", script)
    page = deployer.get(f"{AT}?path=evil.svg").text
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page
    storage.write("data.bin", b"\0\1\2")
    assert "It is no text" in deployer.text(f"{AT}?path=data.bin")
    storage.write("empty", b"")
    assert "The file is empty" in deployer.text(f"{AT}?path=empty")
    storage.write("long.txt", b"ab " * 200_000)
    assert "The first 256 kB" in deployer.text(f"{AT}?path=long.txt")


# Measuring


@pytest.mark.contract("S15")
def test_measuring_says_what_is_there_and_where(deployer: Browser, storage: Storage) -> None:
    """The largest folders and the room on the disk stay on the page."""
    storage.write("big/file", b"x" * 50_000)
    storage.write("small/file", b"x")
    page = said(deployer, deployer.post(f"{AT}/measure"))
    assert "Measured." in page and "50.0 kB" in page and "in 2 files" in page
    assert re.search(r"Largest folders big 50\.0 kB 1 file small 1 byte 1 file", page)
    assert re.search(r"Free on the disk [0-9.]+ [GT]B", page)


def test_two_measurements_are_a_curve_with_a_table_beside(deployer: Browser, storage: Storage) -> None:
    """Who cannot see the curve reads the same numbers."""
    for size in (1000, 3000):
        storage.write("file", b"x" * size)
        said(deployer, deployer.post(f"{AT}/measure"))
    page = deployer.get(AT).text
    assert "<polyline points=" in page and "The same as a table" in page
    assert re.search(r"UTC 3\.0 kB 1", text_of(deployer.get(AT)))
    assert "<polyline points=" in deployer.get("/").text


# Changing


def test_a_folder_is_made_in_the_one_that_is_shown(deployer: Browser, storage: Storage) -> None:
    """Also one in another that is not there yet; a name that is taken is told on the page, with what was typed."""
    storage.write("a/file")
    assert "The folder a/new/er is there" in said(deployer, deployer.post(f"{AT}/folders?path=a", name="new/er"))
    assert (storage.folder / "a/new/er").is_dir()
    again = deployer.post(f"{AT}/folders?path=a", name="file")
    assert again.status_code == 409 and 'value="file"' in again.text
    assert deployer.post(f"{AT}/folders?path=a", name="..").status_code == 400


def test_a_name_that_is_taken_is_not_replaced(deployer: Browser, storage: Storage) -> None:
    """The form comes again with what was typed, and both files stay."""
    storage.write("one", b"1")
    storage.write("two", b"2")
    answer = deployer.post(f"{AT}/move?path=one", name="two", folder="")
    assert answer.status_code == 409 and 'value="two"' in answer.text
    assert (storage.folder / "two").read_bytes() == b"2" and (storage.folder / "one").read_bytes() == b"1"


@pytest.mark.contract("B9")
def test_deleting_a_folder_names_what_goes_first(deployer: Browser, storage: Storage) -> None:
    """Its files and bytes are counted before anybody decides."""
    storage.write("d/a", b"x" * 1500)
    storage.write("d/e/b", b"x" * 500)
    page = deployer.text(f"{AT}/remove?path=d")
    assert "The folder with 2 files and 1 folder in it, 2.0 kB" in page
    assert (storage.folder / "d/a").exists()
    assert "d is removed, and 2 files in it" in said(deployer, deployer.post(f"{AT}/remove?path=d"))
    assert os.listdir(storage.folder) == []


@pytest.mark.parametrize("form", ["move", "remove"])
def test_the_storage_itself_is_neither_moved_nor_removed(deployer: Browser, storage: Storage, form: str) -> None:
    """No page offers it, and no address does it."""
    assert deployer.get(f"{AT}/{form}").status_code == 400
    assert deployer.post(f"{AT}/{form}", name="x", folder="").status_code >= 400
    assert storage.folder.is_dir()


# Roles


def test_a_viewer_sees_names_and_sizes_and_nothing_else(viewer: Browser, storage: Storage) -> None:
    """No page offers what is refused, and what is asked for anyhow is refused by the agent."""
    storage.write("secret.txt", b"the words in it")
    storage.write("a.png", b"no picture")
    page = viewer.get(AT).text
    assert "secret.txt" in page and "15 bytes" in page
    assert not re.search("Delete|Rename|Download|upload.js|/folders", page)
    assert "the words in it" not in viewer.get(f"{AT}?path=secret.txt").text
    assert "/picture" not in viewer.get(f"{AT}?path=a.png").text
    for route in ("file?path=secret.txt", "picture?path=a.png", "archive"):
        assert viewer.get(f"{AT}/{route}").status_code == 403
    for form in ("move", "remove"):
        assert viewer.post(f"{AT}/{form}?path=secret.txt", name="x", folder="").status_code == 403
    assert viewer.put(f"{AT}/file?path=new", b"x").status_code == 403
    assert os.listdir(storage.folder) in (["a.png", "secret.txt"], ["secret.txt", "a.png"])
