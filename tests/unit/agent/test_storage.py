"""The API of the storage: paths of any bytes, streams, parts of files, and refusals as answers of their own."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient

from potions.client import error_from
from potions.errors import (
    AppUnknown,
    PotionsError,
    RangeRefused,
    RequestRefused,
    StoredKindRefused,
    StoredLink,
    StoredPathRefused,
    StoredTaken,
    StoredUnknown,
    UploadBroken,
)
from potions.layout import AppTree
from potions.model.app import Ports
from potions.names import AppName
from potions.schema import (
    ErrorBody,
    FolderPut,
    StorageSample,
    StorageUseLine,
    StoredEntry,
    StoredFolder,
    StoredKind,
    StoredRemoval,
)
from potions.service import Service
from support.archives import file, tar, tree
from support.bare_home import app_account

Api = TestClient[Any]
AT = "/apps/blog/storage"


@pytest.fixture(scope="module")
def tree_of(service: Service) -> AppTree:
    context = service.context
    made = context.store.create_app(AppName("blog"), lambda _taken: Ports(4000), {})
    context.trees.create(context.tree(made))
    return context.tree(made)


@pytest.fixture
def storage(service: Service, tree_of: AppTree) -> Iterator[AppTree]:
    """The app's tree, with nothing in its storage."""
    yield tree_of
    for name in os.listdir(tree_of.storage):
        service.storage.remove("blog", name, recursive=True)


def given_to_the_app(tree: AppTree, name: str, data: bytes = b"") -> None:
    path = tree.storage / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    for made in (path, *path.relative_to(tree.storage).parents):
        os.chown(tree.storage / made, app_account().uid, app_account().gid)


def refusal(answer: Any) -> PotionsError:
    assert answer.status_code >= 400, answer.text
    error = error_from(msgspec.json.decode(answer.content, type=ErrorBody))
    assert answer.status_code == error.http_status
    return error


def decoded(answer: Any, kind: type[Any]) -> Any:
    assert answer.is_success, answer.text
    return msgspec.json.decode(answer.content, type=kind)


# Paths


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(name=st.binary(min_size=1, max_size=80))
def test_a_name_of_any_bytes_is_put_listed_got_moved_and_removed(api: Api, storage: AppTree, name: bytes) -> None:
    """With nothing but what the answers say, and plain percent-encoding."""
    if set(name) & set(b"/\0") or name in (b".", b".."):
        return
    put = decoded(api.put(f"{AT}/file?path=d/{quote(name, safe='')}", content=b"123"), StoredEntry)
    (entry,) = decoded(api.get(f"{AT}/entries?path=d"), StoredFolder).entries
    assert entry == put
    assert unquote(entry.path, errors="surrogateescape") == f"d/{os.fsdecode(name)}"
    assert os.listdir(os.fsencode(storage.storage / "d")) == [name]
    assert api.get(f"{AT}/file?path={entry.path}").content == b"123"
    moved = decoded(api.post(f"{AT}/move?path={entry.path}&to={quote(name[::-1] + b'x', safe='')}"), StoredEntry)
    assert decoded(api.delete(f"{AT}/entry?path={moved.path}"), StoredRemoval).files == 1


BAD_PATHS = ["/etc/passwd", "../x", "a/../../x", "%2e%2e/x", "a%00b", "%2Fetc", "x" * 256, "a/" * 5000]


@pytest.mark.parametrize("path", BAD_PATHS, ids=lambda path: path[:12])
def test_a_path_that_leads_elsewhere_is_refused(api: Api, storage: AppTree, path: str) -> None:
    """By every route that takes one, before anything is looked at."""
    for method, route in (
        ("GET", "entry"),
        ("GET", "entries"),
        ("GET", "usage"),
        ("GET", "file"),
        ("GET", "archive"),
        ("PUT", "file"),
        ("PUT", "archive"),
        ("DELETE", "entry"),
        ("POST", "folders"),
    ):
        assert isinstance(refusal(api.request(method, f"{AT}/{route}?path={path}")), StoredPathRefused)
    assert isinstance(refusal(api.post(f"{AT}/move?path=a&to={path}")), StoredPathRefused)
    assert isinstance(refusal(api.post(f"{AT}/move?path={path}&to=a")), StoredPathRefused)
    assert tree(storage.storage) == {}


def test_a_query_that_does_not_fit_is_refused(api: Api, storage: AppTree) -> None:
    """Two paths where there is one, and words that are none of those known."""
    for query in (
        "entry?path=a&path=b",
        "entries?order=size",
        "entries?limit=0",
        "entries?limit=100001",
        "entries?offset=-1",
        "usage?depth=33",
        "usage?top=1001",
    ):
        assert isinstance(refusal(api.get(f"{AT}/{query}")), RequestRefused), query
    assert isinstance(refusal(api.put(f"{AT}/archive?existing=perhaps&path=a")), RequestRefused)
    assert isinstance(refusal(api.post(f"{AT}/move?path=a")), RequestRefused)


def test_an_app_that_is_not_there_has_no_storage(api: Api) -> None:
    """By every route."""
    for method, route in (("GET", "entry"), ("GET", "usage"), ("GET", "file"), ("PUT", "file"), ("DELETE", "entry")):
        assert isinstance(refusal(api.request(method, f"/apps/nobody/storage/{route}?path=a")), AppUnknown)


# Looking


def test_a_folder_is_listed_in_parts(api: Api, storage: AppTree) -> None:
    """With how many there are."""
    for name in ("c", "a", "b"):
        given_to_the_app(storage, name, name.encode() * 3)
    folder = decoded(api.get(f"{AT}/entries?offset=1&limit=1"), StoredFolder)
    assert ([entry.name for entry in folder.entries], folder.total, folder.path) == (["b"], 3, "")
    assert decoded(api.get(f"{AT}/entry"), StoredEntry).kind is StoredKind.FOLDER


def test_use_is_counted_line_by_line(api: Api, storage: AppTree) -> None:
    """The last line says it all."""
    given_to_the_app(storage, "a/b/c", b"12345")
    lines = [
        msgspec.json.decode(line, type=StorageUseLine) for line in api.get(f"{AT}/usage?depth=2").content.splitlines()
    ]
    last = lines[-1]
    assert last.result is not None
    assert (last.files, last.bytes, last.result.directory) == (1, 5, str(storage.storage))
    assert [one.path for one in last.result.use.biggest] == ["a", "a/b"]
    assert (last.result.owner, last.result.free_bytes > 0) == (app_account().name, True)
    assert isinstance(refusal(api.get(f"{AT}/usage?path=no")), StoredUnknown)
    assert isinstance(refusal(api.get(f"{AT}/usage?path=a/b/c")), StoredKindRefused)


# Getting


def test_a_file_is_streamed_with_its_length(api: Api, storage: AppTree) -> None:
    """And with a tag by which a part of the same file can be asked for."""
    data = os.urandom(700_001)
    given_to_the_app(storage, "a", data)
    answer = api.get(f"{AT}/file?path=a")
    assert answer.content == data
    assert (answer.status_code, answer.headers["Content-Length"]) == (200, "700001")
    part = api.get(f"{AT}/file?path=a", headers={"Range": "bytes=5-9", "If-Range": answer.headers["ETag"]})
    assert (part.status_code, part.content) == (206, data[5:10])
    assert part.headers["Content-Range"] == "bytes 5-9/700001"
    other = api.get(f"{AT}/file?path=a", headers={"Range": "bytes=5-9", "If-Range": '"other"'})
    assert (other.status_code, len(other.content)) == (200, 700_001)


@pytest.mark.parametrize(
    ("wanted", "status", "got"),
    [
        ("bytes=0-0", 206, b"0"),
        ("bytes=8-", 206, b"89"),
        ("bytes=-3", 206, b"789"),
        ("bytes=10-", 416, None),
        ("bytes=0-1,3-4", 200, b"0123456789"),
        ("bytes=", 200, b"0123456789"),
        ("bytes=a-b", 200, b"0123456789"),
        ("bytes=-", 200, b"0123456789"),
        ("bytes=٣-", 200, b"0123456789"),
        ("lines=1-2", 200, b"0123456789"),
        ("nonsense", 200, b"0123456789"),
        ("bytes=0-" + "9" * 30, 400, None),
    ],
)
def test_a_part_is_what_http_says(api: Api, storage: AppTree, wanted: str, status: int, got: bytes | None) -> None:
    """What is not understood is as if it had not been asked for."""
    given_to_the_app(storage, "a", b"0123456789")
    answer = api.get(f"{AT}/file?path=a", headers={"Range": wanted.encode()})
    assert answer.status_code == status
    if got is None:
        assert isinstance(refusal(answer), RangeRefused | RequestRefused)
    else:
        assert answer.content == got


def test_a_folder_is_streamed_as_a_tar(api: Api, storage: AppTree) -> None:
    """With how much is in it told before."""
    given_to_the_app(storage, "a/b", b"12")
    given_to_the_app(storage, "a/c/d", b"345")
    answer = api.get(f"{AT}/archive?path=a")
    assert (answer.headers["Potions-Files"], answer.headers["Potions-Bytes"]) == ("2", "5")
    assert answer.headers["Content-Type"] == "application/x-tar"
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        assert archive.getnames() == ["b", "c", "c/d"]


def test_a_folder_is_streamed_as_a_zip(api: Api, storage: AppTree) -> None:
    """On request, by the same child that becomes the app's user."""
    given_to_the_app(storage, "a/b", b"12")
    given_to_the_app(storage, "a/c/caf\udce9", b"345")
    answer = api.get(f"{AT}/archive?path=a&format=zip")
    assert (answer.headers["Potions-Files"], answer.headers["Potions-Bytes"]) == ("2", "5")
    assert answer.headers["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["b", "c/", "c/caf%E9"]
    assert isinstance(refusal(api.get(f"{AT}/archive?path=a&format=rar")), RequestRefused)
    assert isinstance(refusal(api.get(f"{AT}/archive?path=no&format=zip")), StoredUnknown)


def test_what_was_measured_is_told_without_measuring(api: Api, storage: AppTree) -> None:
    """A measurement of all of it is remembered; one of a folder says nothing about it."""
    given_to_the_app(storage, "a/b", b"12345")
    before = decoded(api.get(f"{AT}/history"), list[StorageSample])
    api.get(f"{AT}/usage?path=a")
    assert decoded(api.get(f"{AT}/history"), list[StorageSample]) == before
    api.get(f"{AT}/usage")
    found = decoded(api.get(f"{AT}/history?days=1"), list[StorageSample])
    assert (found[-1].bytes, found[-1].files, len(found)) == (5, 1, len(before) + 1)
    for wrong in ("days=0", "days=732", "days=x"):
        assert isinstance(refusal(api.get(f"{AT}/history?{wrong}")), RequestRefused)
    assert isinstance(refusal(api.get("/apps/nobody/storage/history")), AppUnknown)


def test_a_refusal_is_an_answer_of_its_own(api: Api, storage: AppTree) -> None:
    """Never a stream that breaks off at once."""
    given_to_the_app(storage, "a/b")
    (storage.storage / "l").symlink_to("a")
    for route, path, error in (
        ("file", "no", StoredUnknown),
        ("file", "a", StoredKindRefused),
        ("file", "", StoredKindRefused),
        ("file", "l", StoredLink),
        ("archive", "no", StoredUnknown),
        ("archive", "a/b", StoredKindRefused),
        ("archive", "l", StoredLink),
    ):
        assert type(refusal(api.get(f"{AT}/{route}?path={path}"))) is error, (route, path)


# Putting


def test_a_file_is_put_as_it_is_sent(api: Api, storage: AppTree) -> None:
    """In pieces of unknown number or with its size; replaced only on request."""
    data = os.urandom(3_000_001)
    entry = decoded(api.put(f"{AT}/file?path=a/b", content=data), StoredEntry)
    assert (entry.bytes, entry.mode) == (len(data), 0o644)
    assert (storage.storage / "a" / "b").read_bytes() == data
    pieces = (data[start : start + 70_000] for start in range(0, len(data), 70_000))
    assert isinstance(refusal(api.put(f"{AT}/file?path=a/b", content=b"x")), StoredTaken)
    assert (
        decoded(api.put(f"{AT}/file?path=a/b&replace=true&executable=true", content=pieces), StoredEntry).mode == 0o755
    )
    assert (storage.storage / "a" / "b").read_bytes() == data
    assert decoded(api.put(f"{AT}/file?path=empty", content=b""), StoredEntry).bytes == 0


def test_a_refused_put_does_not_wait_for_its_body(api: Api, storage: AppTree) -> None:
    """Whoever sends gigabytes hears of it at once."""
    given_to_the_app(storage, "a", b"old")
    given_to_the_app(storage, "d/x")
    for query, error in (
        ("file?path=a", StoredTaken),
        ("file?path=d&replace=true", StoredKindRefused),
        ("archive?path=d", StoredTaken),
        ("archive?path=a&existing=replace", StoredKindRefused),
    ):
        assert type(refusal(api.put(f"{AT}/{query}", content=b"x" * 5_000_000))) is error, query
    assert tree(storage.storage) == {"a": b"old", "d": "/", "d/x": b""}


def test_a_folder_is_put_as_a_tar(api: Api, storage: AppTree) -> None:
    """New, or together with the one that is there."""
    sent = tar([file("x", b"new"), file("y/z", b"new")])
    first = decoded(api.put(f"{AT}/archive?path=a", content=sent), FolderPut)
    assert (first.files, first.bytes, first.path) == (2, 6, "a")
    again = decoded(api.put(f"{AT}/archive?path=a&existing=skip", content=sent), FolderPut)
    assert (again.files, again.skipped, again.skipped_paths) == (0, 2, ["a/x", "a/y/z"])
    other = decoded(api.put(f"{AT}/archive?path=a&existing=replace", content=tar([file("x", b"other")])), FolderPut)
    assert (other.files, other.replaced) == (1, 1)
    assert tree(storage.storage / "a") == {"x": b"other", "y": "/", "y/z": b"new"}
    for broken in (sent[:700], b"", b"no tar"):
        assert isinstance(refusal(api.put(f"{AT}/archive?path=b", content=broken)), UploadBroken)
    assert not (storage.storage / "b").exists()


def test_folders_are_made_moved_and_removed(api: Api, storage: AppTree) -> None:
    """Each answer says where it is then."""
    assert decoded(api.post(f"{AT}/folders?path=a/b"), StoredEntry).path == "a/b"
    assert decoded(api.post(f"{AT}/move?path=a/b&to=c"), StoredEntry).path == "c"
    assert decoded(api.delete(f"{AT}/entry?path=c"), StoredRemoval).kind is StoredKind.FOLDER
    given_to_the_app(storage, "a/x", b"12")
    assert decoded(api.delete(f"{AT}/entry?path=a&recursive=true"), StoredRemoval).bytes == 2
    assert tree(storage.storage) == {}
