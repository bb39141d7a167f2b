"""The example gallery as a process of its own: what it stores, what it refuses, and how it ends."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

GALLERY = Path(__file__).parents[3] / "examples" / "gallery"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
JPEG = b"\xff\xd8\xff\xe0" + bytes(2000)
BOUNDARY = "----a-boundary"
READING_SECONDS = 20


class Gallery:
    """A running gallery, its directory and its storage."""

    def __init__(self, folder: Path, version: str = "1") -> None:
        self.release = folder / "release"
        self.storage = folder / "storage"
        self.storage.mkdir(parents=True)
        shutil.copytree(GALLERY, self.release, ignore=shutil.ignore_patterns("storage", "__pycache__"))
        (self.release / "VERSION").write_text(version)
        (self.release / "storage").symlink_to(self.storage)
        environment = {
            "PATH": os.environ["PATH"],
            "PORT": "0",
            "STORAGE_DIR": str(self.storage),
            "POTIONS_SLOT": "blue",
        }
        command = [sys.executable, "-u", "gallery.py"]
        self.process = subprocess.Popen(command, cwd=self.release, env=environment, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        first = re.search(r"127\.0\.0\.1:(\d+)", self.process.stdout.readline())
        assert first is not None
        self.port = int(first[1])
        # Read on, or its log fills the pipe.
        self.reader = subprocess.Popen(["cat"], stdin=self.process.stdout, stdout=subprocess.DEVNULL)

    @property
    def stored(self) -> list[str]:
        """The names of the stored photos, and of anything else beside them."""
        return sorted(os.listdir(self.storage / "photos"))

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """One request on a connection of its own: status and body of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=READING_SECONDS)
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

    def submit(self, body: bytes) -> tuple[int, bytes]:
        """Send a multipart form."""
        return self.ask("POST", "/photos", body, Content_Type=f"multipart/form-data; boundary={BOUNDARY}")

    def end(self) -> int:
        """Kill what is left of it; its exit status."""
        self.process.kill()
        status = self.process.wait()
        self.reader.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status


def form(*files: tuple[str, bytes]) -> bytes:
    """A form as a browser sends it."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="photo"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n".encode()
        + content
        + b"\r\n"
        for name, content in files
    ]
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    """One gallery for all tests that leave it as they found it."""
    gallery = Gallery(tmp_path_factory.mktemp("gallery"))
    yield gallery
    gallery.end()


@pytest.fixture
def gallery(shared: Gallery) -> Iterator[Gallery]:
    """A gallery without photos."""
    yield shared
    shutil.rmtree(shared.storage / "photos")
    (shared.storage / "photos").mkdir()
    (shared.storage / "notes.txt").unlink(missing_ok=True)


def test_a_put_photo_comes_back_byte_for_byte(gallery: Gallery) -> None:
    """PUT stores exactly what was sent, and says whether the photo is new."""
    assert gallery.ask("PUT", "/photos/lake.png", PNG)[0] == 201
    assert gallery.ask("PUT", "/photos/lake.png", PNG + b"more")[0] == 200
    assert gallery.ask("GET", "/photos/lake.png") == (200, PNG + b"more")
    assert gallery.stored == ["lake.png"]


def test_a_form_stores_every_photo_byte_for_byte(gallery: Gallery) -> None:
    """Photos whose content looks like a boundary, or ends like a line, are stored as they are."""
    tricky = PNG + b"\r\n--" + BOUNDARY[:-1].encode() + b"\r\n--\r\n\r\n-"
    status, text = gallery.submit(form(("a.png", tricky), ("b.jpg", JPEG)))
    assert (status, text) == (201, b"/photos/a.png\n/photos/b.jpg\n")
    assert gallery.ask("GET", "/photos/a.png") == (200, tricky)
    assert gallery.ask("GET", "/photos/b.jpg") == (200, JPEG)


def test_a_form_that_arrives_in_crumbs_is_read_alike(gallery: Gallery) -> None:
    """It makes no difference where the pieces of a chunked form end."""
    body = form(("crumbs.png", PNG[:300]))
    with socket.create_connection(("127.0.0.1", gallery.port), timeout=READING_SECONDS) as connection:
        head = f"POST /photos HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
        connection.sendall((head + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n").encode())
        for place in range(0, len(body), 7):
            crumb = body[place : place + 7]
            connection.sendall(b"%x\r\n%b\r\n" % (len(crumb), crumb))
        connection.sendall(b"0\r\n\r\n")
        assert connection.makefile("rb").readline() == b"HTTP/1.1 201 Created\r\n"
    assert gallery.ask("GET", "/photos/crumbs.png") == (200, PNG[:300])


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("../../etc/passwd", "passwd.png"),
        (r"C:\Users\me\My lake.PNG", "My-lake.png"),
        ("...", "photo.png"),
        ("<script>.jpg", "script.png"),
        ("späte Sonne.jpeg", "späte-Sonne.png"),
        ("x" * 300 + ".png", "x" * 90 + ".png"),
    ],
)
def test_names_are_made_harmless(gallery: Gallery, sent: str, stored: str) -> None:
    """A photo is stored below its folder, under a short name whose suffix is what it is."""
    assert gallery.submit(form((sent, PNG)))[0] == 201
    assert gallery.stored == [stored]


def test_a_second_photo_of_a_name_gets_another_name(gallery: Gallery) -> None:
    """A form never replaces a photo."""
    gallery.submit(form(("lake.png", PNG), ("lake.png", PNG + b"2")))
    assert gallery.stored == ["lake-2.png", "lake.png"]
    assert gallery.ask("GET", "/photos/lake.png") == (200, PNG)


@pytest.mark.parametrize("name", ["..%2fx.png", "x.svg", ".x.png", "a%20b.png", "x", "a%2fb.png", "%00.png"])
def test_a_script_has_to_send_a_clean_name(gallery: Gallery, name: str) -> None:
    """PUT stores under exactly the name of its address, or refuses it."""
    assert gallery.ask("PUT", f"/photos/{name}", PNG)[0] == 400
    assert gallery.stored == []


@pytest.mark.parametrize("content", [b"<svg onload=alert(1)>", b"GIF", b"RIFF1234AVI fmt", b"\x89PN"])
def test_only_images_are_taken(gallery: Gallery, content: bytes) -> None:
    """What does not begin like an image is refused, whatever its name says, and leaves nothing behind."""
    assert gallery.ask("PUT", "/photos/x.png", content)[0] == 415
    assert gallery.submit(form(("x.png", content)))[0] == 415
    assert gallery.stored == []


def test_too_large_a_photo_is_refused(gallery: Gallery) -> None:
    """Beyond 20 MB the sender gets its answer, and nothing stays behind."""
    status, text = gallery.ask("PUT", "/photos/x.png", PNG + bytes(21 * 1024 * 1024))
    assert (status, text) == (413, b"A photo may have 20 MB.\n")
    assert gallery.stored == []


def test_an_upload_that_breaks_off_leaves_nothing(gallery: Gallery) -> None:
    """A sender that goes away in the middle stores no half photo."""
    with socket.create_connection(("127.0.0.1", gallery.port), timeout=READING_SECONDS) as connection:
        head = f"PUT /photos/x.png HTTP/1.1\r\nHost: x\r\nContent-Length: {len(PNG)}\r\n\r\n"
        connection.sendall(head.encode() + PNG[:500])
        connection.shutdown(socket.SHUT_WR)
        assert connection.makefile("rb").readline() == b"HTTP/1.1 400 Bad Request\r\n"
    assert gallery.stored == []


@pytest.mark.parametrize("body", [b"", b"nothing of the kind", form(("x.png", PNG))[:-10], form(("x.png", PNG))[:90]])
def test_a_broken_form_is_refused(gallery: Gallery, body: bytes) -> None:
    """A form without its end is not half a form."""
    assert gallery.submit(body)[0] in (400, 411)
    assert not [name for name in gallery.stored if name.startswith(".")]


def test_a_photo_is_served_as_what_it_is(gallery: Gallery) -> None:
    """The type comes from the content, browsers are told not to guess, and an unchanged photo is not sent again."""
    gallery.ask("PUT", "/photos/x.png", JPEG)
    connection = http.client.HTTPConnection("127.0.0.1", gallery.port, timeout=READING_SECONDS)
    connection.request("GET", "/photos/x.png")
    answer = connection.getresponse()
    answer.read()
    assert (answer.headers["Content-Type"], answer.headers["X-Content-Type-Options"]) == ("image/jpeg", "nosniff")
    connection.request("GET", "/photos/x.png", headers={"If-None-Match": answer.headers["ETag"]})
    assert connection.getresponse().status == 304
    connection.close()


def test_links_in_the_folder_are_no_photos(gallery: Gallery, tmp_path: Path) -> None:
    """What somebody linked into the folder is neither shown nor served."""
    (tmp_path / "secret.png").write_bytes(PNG)
    (gallery.storage / "photos" / "secret.png").symlink_to(tmp_path / "secret.png")
    assert gallery.ask("GET", "/photos/secret.png")[0] == 404
    assert b"secret" not in gallery.ask("GET", "/")[1]


def test_the_page_shows_the_newest_first_and_escapes(gallery: Gallery) -> None:
    """Photos come newest first, and a note is text, not HTML."""
    for number, name in enumerate(["first.png", "second.png", "third.png"]):
        gallery.ask("PUT", f"/photos/{name}", PNG)
        os.utime(gallery.storage / "photos" / name, (number, number))
    gallery.ask("POST", "/notes", b"<b>note</b>", Content_Type="text/plain")
    page = gallery.ask("GET", "/")[1].decode()
    assert re.findall(r'<img src="/photos/(\w+)', page) == ["third", "second", "first"]
    assert "&lt;b&gt;note" in page
    assert "<title>Gallery 1</title>" in page
    assert "answered by the blue slot" in page
    assert str(gallery.storage / "photos") in page


def test_notes_are_written_by_the_relative_path(gallery: Gallery) -> None:
    """A note lands in ./storage, which is the storage."""
    assert gallery.ask("POST", "/notes", "one\nline ü".encode(), Content_Type="text/plain")[0] == 201
    assert (gallery.storage / "notes.txt").read_text() == "one line ü\n"
    assert gallery.ask("GET", "/notes") == (200, "one line ü\n".encode())


def test_deleting_asks_first(gallery: Gallery) -> None:
    """The link on the page asks; only the form on that page deletes, and then goes back."""
    gallery.ask("PUT", "/photos/x.png", PNG)
    status, page = gallery.ask("GET", "/photos/x.png/delete")
    assert (status, gallery.stored) == (200, ["x.png"])
    assert b"Delete photo" in page
    assert gallery.ask("POST", "/photos/x.png/delete", Accept="text/html")[0] == 303
    assert gallery.stored == []
    assert gallery.ask("DELETE", "/photos/x.png")[0] == 404


def test_other_sites_cannot_delete(gallery: Gallery) -> None:
    """A form on a page of another site is refused."""
    gallery.ask("PUT", "/photos/x.png", PNG)
    assert gallery.ask("POST", "/photos/x.png/delete", Sec_Fetch_Site="cross-site")[0] == 403
    assert gallery.stored == ["x.png"]


def test_it_says_who_answers(gallery: Gallery) -> None:
    """/health and /version are for machines."""
    assert gallery.ask("GET", "/health") == (200, b"ok\n")
    said = json.loads(gallery.ask("GET", "/version")[1])
    assert said == {"version": "1", "slot": "blue", "pid": gallery.process.pid}


def test_version_two_shows_more(tmp_path: Path) -> None:
    """The file VERSION alone turns on captions and the large view."""
    gallery = Gallery(tmp_path, version="2")
    try:
        gallery.ask("PUT", "/photos/at-the-lake.png", PNG)
        page = gallery.ask("GET", "/")[1].decode()
    finally:
        gallery.end()
    assert "<strong>At the lake</strong>" in page
    assert '<dialog class="large"' in page


def test_sigterm_finishes_what_is_in_flight(tmp_path: Path) -> None:
    """An upload that runs when it is told to stop is stored and answered, idle connections end, and it exits with 0."""
    gallery = Gallery(tmp_path)
    idle = http.client.HTTPConnection("127.0.0.1", gallery.port, timeout=READING_SECONDS)
    idle.request("GET", "/health")
    idle.getresponse().read()
    with socket.create_connection(("127.0.0.1", gallery.port), timeout=READING_SECONDS) as upload:
        head = f"PUT /photos/late.png HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: {len(PNG)}\r\n\r\n"
        answer = upload.makefile("rb")
        upload.sendall(head.encode())
        assert answer.readline() == b"HTTP/1.1 100 Continue\r\n"
        gallery.process.send_signal(signal.SIGTERM)
        assert idle.sock.recv(1) == b""
        upload.sendall(PNG)
        assert answer.readline() == b"\r\n"
        assert answer.readline() == b"HTTP/1.1 201 Created\r\n"
        assert b"Connection: close\r\n" in answer.readlines()
    assert gallery.process.wait(READING_SECONDS) == 0
    assert gallery.stored == ["late.png"]
    idle.close()
    gallery.end()


def test_the_sample_is_a_picture(tmp_path: Path) -> None:
    """The painted sample is a whole PNG, and the same each time."""
    command = [sys.executable, str(GALLERY / "sample.py"), "--width", "120", "--height", "80"]
    for name in ("a.png", "b.png"):
        subprocess.run([*command, str(tmp_path / name)], check=True)
    picture = (tmp_path / "a.png").read_bytes()
    assert picture == (tmp_path / "b.png").read_bytes()
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    assert picture[16:24] == (120).to_bytes(4) + (80).to_bytes(4)
