"""The link from a slot to storage, and what becomes of a storage that a release brings along."""

from __future__ import annotations

from pathlib import Path

import pytest

from potions.errors import ShippedStorage
from potions.host.shipped_storage import link_storage
from potions.model.plan import Shipped
from support.archives import tree


class App:
    """A slot beside a storage that has something in it."""

    def __init__(self, root: Path) -> None:
        self.slot = root / "blue"
        self.slot.mkdir()
        self.own = self.slot / "storage"
        self.storage = root / "storage"
        (self.storage / "uploads").mkdir(parents=True)
        (self.storage / "uploads" / "cat.jpg").write_text("of a user")

    def ship(self, **files: str) -> None:
        for name, text in files.items():
            path = self.own / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def link(self, shipped: Shipped = Shipped.REFUSE) -> list[str]:
        return link_storage(self.slot, "../storage", self.storage, shipped)

    def is_linked(self) -> bool:
        return str(self.own.readlink()) == "../storage" and self.own.samefile(self.storage)


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path)


def test_a_release_without_storage_gets_the_link(app: App) -> None:
    """And nothing needs to be said; a second time, after a crash, changes nothing."""
    assert app.link() == []
    assert app.link() == []
    assert app.is_linked()


@pytest.mark.parametrize("keeper", [None, ".gitkeep", ".keep", ".gitignore"])
@pytest.mark.parametrize("shipped", Shipped)
def test_an_empty_storage_makes_room(app: App, keeper: str | None, shipped: Shipped) -> None:
    """With the file that keeps it in a repository, too; the log says so."""
    app.own.mkdir()
    if keeper:
        (app.own / keeper).touch()
    assert len(app.link(shipped)) == 1
    assert app.is_linked()
    assert tree(app.storage) == {"uploads": "/", "uploads/cat.jpg": b"of a user"}


def ship_file(app: App) -> None:
    app.own.write_text("a file")


def ship_link(app: App) -> None:
    app.own.symlink_to("priv")


def ship_keeper_that_is_a_link(app: App) -> None:
    app.own.mkdir()
    (app.own / ".keep").symlink_to("/etc/hostname")


def ship_keeper_that_is_a_folder(app: App) -> None:
    (app.own / ".keep").mkdir(parents=True)


def ship_empty_folder(app: App) -> None:
    (app.own / "uploads").mkdir(parents=True)


def ship_files(app: App) -> None:
    app.ship(uploads__cat="of the release")


SHIPPED = [
    ship_file,
    ship_link,
    ship_keeper_that_is_a_link,
    ship_keeper_that_is_a_folder,
    ship_empty_folder,
    ship_files,
]


@pytest.mark.parametrize("ship", SHIPPED)
def test_anything_else_is_refused(app: App, ship: object) -> None:
    """Said with what it is and the ways out, and nothing is changed."""
    assert callable(ship)
    ship(app)
    before = tree(app.slot.parent)
    with pytest.raises(ShippedStorage) as refused:
        app.link()
    assert not refused.value.why.endswith(": ")
    assert "discard" in refused.value.do and "seed" in refused.value.do
    assert tree(app.slot.parent) == before


@pytest.mark.parametrize("ship", SHIPPED)
def test_discard_leaves_it_behind(app: App, ship: object) -> None:
    """Nothing of it reaches storage; the log says so."""
    assert callable(ship)
    ship(app)
    assert "discarded" in app.link(Shipped.DISCARD)[0]
    assert app.is_linked()
    assert tree(app.storage) == {"uploads": "/", "uploads/cat.jpg": b"of a user"}


def test_a_refusal_names_five_paths_at_most(app: App) -> None:
    """Enough to recognise them, and whether there are more."""
    app.ship(**{f"uploads__{number}": "x" for number in range(9)})
    with pytest.raises(ShippedStorage, match=r"storage/uploads/0.*storage/uploads/4, and more\n") as refused:
        app.link()
    assert "storage/uploads/5" not in refused.value.why


def test_seed_copies_only_what_is_missing(app: App) -> None:
    """What a user wrote stays, also under a name that is a directory in the release; modes are plain ones."""
    app.ship(**{"uploads__cat.jpg": "of the release", "uploads__dog.jpg": "new", "a__b__c": "deep", "x__y": "z"})
    (app.own / "a" / "b" / "c").chmod(0o700)
    (app.storage / "x").write_text("a user's file")
    notes = app.link(Shipped.SEED)
    assert "2 files" in notes[0] and "2 were there" in notes[0]
    assert app.is_linked()
    assert tree(app.storage) == {
        "a": "/",
        "a/b": "/",
        "a/b/c": b"deep",
        "uploads": "/",
        "uploads/cat.jpg": b"of a user",
        "uploads/dog.jpg": b"new",
        "x": b"a user's file",
    }
    assert (app.storage / "a" / "b" / "c").stat().st_mode & 0o777 == 0o755
    assert (app.storage / "uploads" / "dog.jpg").stat().st_mode & 0o777 == 0o644


def test_seed_follows_no_link_in_storage(app: App, tmp_path: Path) -> None:
    """A link that an app put into storage cannot aim a copy elsewhere; a dangling one is a name that is taken."""
    (tmp_path / "outside").mkdir()
    (app.storage / "away").symlink_to(tmp_path / "outside")
    (app.storage / "file").symlink_to(tmp_path / "outside" / "new")
    app.ship(away__f="x", file="x")
    app.link(Shipped.SEED)
    assert tree(tmp_path / "outside") == {}
    assert (app.storage / "file").is_symlink() and (app.storage / "away").is_symlink()


def test_seed_refuses_links_before_it_copies(app: App) -> None:
    """A link means something else in another place; all or nothing."""
    app.ship(a="x")
    (app.own / "z").symlink_to("a")
    before = tree(app.slot.parent)
    with pytest.raises(ShippedStorage, match="storage/z"):
        app.link(Shipped.SEED)
    assert tree(app.slot.parent) == before


def test_seed_after_a_crash_takes_its_half_copy_away(app: App) -> None:
    """What was cut short is not taken for a file."""
    app.ship(a="whole")
    (app.storage / ".potions-seed.partial").write_text("wh")
    app.link(Shipped.SEED)
    assert tree(app.storage) == {"a": b"whole", "uploads": "/", "uploads/cat.jpg": b"of a user"}
