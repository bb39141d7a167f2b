"""Bytes of stored files to browsers and from them: streamed, whole, and never run as a page."""

from __future__ import annotations

import io
import os
import socket
import tarfile
import zipfile
from collections.abc import Iterator

import psutil
import pytest
from PIL import Image

from potions.layout import AppTree
from support.browsers import ADDRESS, Browser, Dashboard
from support.platform import wait_for
from unit.dashboard.pages.conftest import Storage

AT = "/apps/gallery/storage"
SCRIPT = b"<script>alert(1)</script>"


def is_inert(headers: object) -> bool:
    """Whether a browser runs nothing of an answer with these headers, whatever its bytes are."""
    assert hasattr(headers, "get")
    return "sandbox" in headers.get("Content-Security-Policy", "") and headers["X-Content-Type-Options"] == "nosniff"


# Out


@pytest.mark.parametrize("name", ["evil.html", "evil.svg", "evil.js", "page.xhtml", "a.pdf", "noname"])
def test_no_stored_file_is_ever_shown_as_a_page(deployer: Browser, storage: Storage, name: str) -> None:
    """It is saved, as bytes of no kind, and sandboxed should a browser show it all the same."""
    storage.write(name, SCRIPT)
    answer = deployer.get(f"{AT}/file?path={name}")
    assert answer.content == SCRIPT
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith(f'attachment; filename="{name}"')
    assert is_inert(answer.headers)


def test_a_hostile_name_makes_no_header(deployer: Browser, storage: Storage) -> None:
    """Line ends and quotes in it end nothing."""
    storage.write(b'a"\r\nSet-Cookie: x=1\r\n\r\nb', b"1")
    answer = deployer.get(f"{AT}/file?path=a%22%0D%0ASet-Cookie:%20x=1%0D%0A%0D%0Ab")
    assert answer.content == b"1"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="a___Set-Cookie_ x=1____b"')


def test_a_part_of_a_file_is_got_so_that_downloads_go_on(deployer: Browser, storage: Storage) -> None:
    """With the tag of the file, so that a changed one begins anew."""
    storage.write("f", b"0123456789")
    whole = deployer.get(f"{AT}/file?path=f")
    assert (whole.headers["Content-Length"], whole.headers["Accept-Ranges"]) == ("10", "bytes")
    part = deployer.get(f"{AT}/file?path=f", headers={"Range": "bytes=4-6", "If-Range": whole.headers["ETag"]})
    assert (part.status_code, part.content, part.headers["Content-Range"]) == (206, b"456", "bytes 4-6/10")
    assert deployer.get(f"{AT}/file?path=f", headers={"Range": "bytes=99-"}).status_code == 416


def test_a_folder_is_got_as_an_archive_of_either_kind(deployer: Browser, storage: Storage) -> None:
    """A zip, which every computer opens; as a tar where that is asked for."""
    storage.write("d/a.txt", b"a")
    storage.write("d/e/b.txt", b"b")
    zipped = deployer.get(f"{AT}/archive?path=d")
    assert zipped.headers["Content-Disposition"].startswith('attachment; filename="d.zip"')
    assert is_inert(zipped.headers)
    with zipfile.ZipFile(io.BytesIO(zipped.content)) as archive:
        assert {name for name in archive.namelist() if not name.endswith("/")} == {"a.txt", "e/b.txt"}
    tarred = deployer.get(f"{AT}/archive?form=tar")
    assert tarred.headers["Content-Disposition"].startswith('attachment; filename="gallery-storage.tar"')
    with tarfile.open(fileobj=io.BytesIO(tarred.content)) as archive:
        assert "d/e/b.txt" in archive.getnames()


def children(tree: AppTree) -> list[psutil.Process]:
    """The processes that have a file of the storage open."""
    found = []
    for process in psutil.process_iter():
        try:
            if any(str(tree.storage) in one.path for one in process.open_files()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_a_download_that_is_given_up_ends_at_the_agent_too(deployer: Browser, storage: Storage, tree: AppTree) -> None:
    """Nothing is read to the end for nobody."""
    with open(storage.folder / "large", "wb") as file:
        file.truncate(2 * 10**9)
    os.chown(storage.folder / "large", *(os.stat(storage.folder).st_uid, os.stat(storage.folder).st_gid))
    with deployer.http.stream("GET", f"{AT}/file?path=large") as answer:
        pieces = answer.iter_raw()
        next(pieces)
        wait_for(lambda: children(tree), "the agent reads the file")
    wait_for(lambda: not children(tree), "the agent has let go of the file")


def test_a_large_download_takes_little_memory(deployer: Browser, storage: Storage) -> None:
    """A gigabyte passes through, and is held nowhere: agent and dashboard are this process here."""
    with open(storage.folder / "large", "wb") as file:
        file.truncate(10**9)
    os.chown(storage.folder / "large", *(os.stat(storage.folder).st_uid, os.stat(storage.folder).st_gid))
    before = psutil.Process().memory_info().rss
    received, most = 0, 0
    with deployer.http.stream("GET", f"{AT}/file?path=large") as answer:
        for piece in answer.iter_raw():
            received += len(piece)
            most = max(most, psutil.Process().memory_info().rss)
    assert received == 10**9
    assert most - before < 100 * 10**6


# In


def test_a_file_is_put_and_belongs_to_the_app(deployer: Browser, storage: Storage) -> None:
    """With the folders on its way, and under any name."""
    answer = deployer.put(f"{AT}/file?path=new/caf%E9", b"hello")
    assert (answer.status_code, answer.json()["bytes"]) == (200, 5)
    made = os.fsencode(storage.folder) + b"/new/caf\xe9"
    with open(made, "rb") as file:
        assert file.read() == b"hello"
    assert os.stat(made).st_uid == os.stat(storage.folder).st_uid


def test_a_file_that_is_there_is_replaced_only_where_that_is_asked_for(deployer: Browser, storage: Storage) -> None:
    """A script that asks first learns what is there."""
    storage.write("f", b"old")
    assert deployer.get(f"{AT}/entry?path=f").json()["kind"] == "file"
    assert deployer.get(f"{AT}/entry?path=g").json() is None
    refused = deployer.put(f"{AT}/file?path=f", b"new")
    assert (refused.status_code, refused.json()["code"]) == (409, "stored-taken")
    assert (storage.folder / "f").read_bytes() == b"old"
    assert deployer.put(f"{AT}/file?path=f&replace=true", b"new").status_code == 200
    assert (storage.folder / "f").read_bytes() == b"new"


def test_an_upload_has_no_limit_and_takes_little_memory(deployer: Browser, storage: Storage) -> None:
    """It goes on as it comes, also where its length is not known before."""
    before = psutil.Process().memory_info().rss
    most = 0

    def pieces() -> Iterator[bytes]:
        nonlocal most
        for _ in range(300):
            most = max(most, psutil.Process().memory_info().rss)
            yield bytes(10**6)

    assert deployer.put(f"{AT}/file?path=large", pieces()).json()["bytes"] == 300 * 10**6
    assert most - before < 100 * 10**6


def test_an_upload_that_breaks_off_leaves_nothing(dashboard: Dashboard, deployer: Browser, storage: Storage) -> None:
    """Neither a part of the file, nor the file it would have replaced changed."""
    storage.write("f", b"old")
    token = deployer.token()
    cookies = "; ".join(f"{name}={value}" for name, value in deployer.http.cookies.items())
    head = (
        f"PUT {AT}/file?path=f&replace=true HTTP/1.1\r\nHost: potions\r\nOrigin: {ADDRESS}\r\nCookie: {cookies}\r\n"
        f"x-csrftoken: {token}\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000000\r\n\r\n"
    )
    with socket.socket(socket.AF_UNIX) as browser:
        browser.connect(str(dashboard.place.listens))
        browser.sendall(head.encode() + b"x" * 300_000)
        wait_for(lambda: len(os.listdir(storage.folder)) == 2, "the agent writes beside the file")
    wait_for(lambda: os.listdir(storage.folder) == ["f"], "what came is gone")
    assert (storage.folder / "f").read_bytes() == b"old"


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://gallery.localhost:8480"}, {"x-csrftoken": ""}, {"Sec-Fetch-Site": "same-site"}]
)
def test_no_other_page_puts_a_file(deployer: Browser, storage: Storage, headers: dict[str, str]) -> None:
    """Also none of an app of the same server."""
    assert deployer.put(f"{AT}/file?path=f", b"x", **headers).status_code == 403
    assert os.listdir(storage.folder) == []


# Pictures


def encoded(form: str, size: tuple[int, int] = (20, 10)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, form)
    return out.getvalue()


def test_a_picture_is_drawn_anew_and_kept_by_its_tag(deployer: Browser, storage: Storage) -> None:
    """The stored bytes are never shown; a browser that has the picture is sent nothing, until the file is another."""
    storage.write("a.jpg", encoded("JPEG") + SCRIPT)
    assert "/picture?path=a.jpg" in deployer.get(f"{AT}?path=a.jpg").text
    answer = deployer.get(f"{AT}/picture?path=a.jpg")
    assert answer.headers["Content-Type"] == "image/webp" and SCRIPT not in answer.content
    assert is_inert(answer.headers)
    assert Image.open(io.BytesIO(answer.content)).size == (20, 10)
    known = {"If-None-Match": answer.headers["ETag"]}
    again = deployer.get(f"{AT}/picture?path=a.jpg", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    storage.write("a.jpg", encoded("JPEG", (30, 10)))
    assert deployer.get(f"{AT}/picture?path=a.jpg", headers=known).status_code == 200


@pytest.mark.parametrize("data", [SCRIPT, b"", encoded("TIFF"), encoded("PNG")[:40]])
def test_why_there_is_no_picture_is_told_as_a_page_or_to_a_script(
    deployer: Browser, storage: Storage, data: bytes
) -> None:
    """Whatever the file is called."""
    storage.write("a.png", data)
    page = deployer.get(f"{AT}/picture?path=a.png")
    assert page.status_code == 422 and "There is no picture to show" in page.text and SCRIPT.decode() not in page.text
    told = deployer.get(f"{AT}/picture?path=a.png", headers={"Accept": "application/json"})
    assert told.json()["code"] == "picture-refused"


def test_a_file_too_large_for_a_picture_is_not_read(deployer: Browser, storage: Storage) -> None:
    """The refusal comes before its bytes."""
    with open(storage.folder / "a.png", "wb") as file:
        file.truncate(10**9)
    os.chown(storage.folder / "a.png", *(os.stat(storage.folder).st_uid, os.stat(storage.folder).st_gid))
    answer = deployer.get(f"{AT}/picture?path=a.png")
    assert answer.status_code == 422 and "1,000,000,000 bytes" in answer.text
