"""The pages: HTML for people, with one stylesheet and one script inside, and the policy that allows only those two."""

from __future__ import annotations

import base64
import hashlib
import time
from html import escape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import drawings
from features import Accent, Features
from photos import ALL_SUFFIXES, MAX_BYTES, Photo

_HERE = Path(__file__).parent


class Context(NamedTuple):
    """What every page says about the release that made it."""

    version: str
    slot: str
    """Empty where the gallery runs by itself."""
    folder: str
    """Where the photos are kept."""
    features: Features


def readable_size(size: int) -> str:
    """A number of bytes for people."""
    if size < 1024:
        return f"{size} bytes"
    if size < 1024**2:
        return f"{size / 1024:.0f} kB"
    return f"{size / 1024**2:.1f} MB"


def count_of(photos: list[Photo]) -> str:
    """How many photos there are, and how large they are together; empty for none."""
    if not photos:
        return ""
    word = "photo" if len(photos) == 1 else "photos"
    return f"{len(photos)} {word}, {readable_size(sum(photo.size for photo in photos))}"


class Pages:
    """All pages of one version."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._style = _style(context.features)
        self._script = _script(context.features)

    @property
    def policy(self) -> str:
        """The Content-Security-Policy: nothing from elsewhere, and only our own style and script."""
        rules = {
            "default-src": "'none'",
            "img-src": "'self'",
            "style-src": f"'{_digest(self._style)}'",
            "script-src": f"'{_digest(self._script)}'",
            "form-action": "'self'",
            "base-uri": "'none'",
            "frame-ancestors": "'none'",
        }
        return "; ".join(f"{name} {value}" for name, value in rules.items())

    def gallery(self, photos: list[Photo], notes: list[str]) -> str:
        """The front page."""
        shown = self._grid(photos) if photos else _EMPTY
        large = _LIGHTBOX if self._context.features.lightbox and photos else ""
        return self._page(f"{_UPLOAD_FORM}{shown}{_notes(notes)}{large}", count_of(photos))

    def delete(self, photo: Photo) -> str:
        """The question before a photo is deleted."""
        address = _address(photo)
        title = escape(photo.title)
        return self._page(
            f'<section class="single"><h2>Delete “{title}”?</h2><img src="{address}" alt="{title}">'
            f"<p>{escape(photo.name)}, {readable_size(photo.size)}. It will be gone for good.</p>"
            f'<form class="choices" method="post" action="{address}/delete"><button class="grave">Delete photo</button>'
            f'<a class="button" href="/#{_anchor(photo)}">Keep it</a></form></section>'
        )

    def refusal(self, title: str, why: str) -> str:
        """What could not be done, and a way back."""
        return self._page(
            f'<section class="single"><h2>{escape(title)}</h2><p>{escape(why)}</p>'
            '<div class="choices"><a class="button main" href="/">Back to the gallery</a></div></section>'
        )

    def _page(self, content: str, count: str = "") -> str:
        version = escape(self._context.version)
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            '<meta name="color-scheme" content="light dark">'
            f'<title>Gallery {version}</title><link rel="icon" href="/icon.svg" type="image/svg+xml">'
            f'<style>{self._style}</style></head><body><a class="skip" href="#photos">Skip to the photos</a>'
            f"<header>{drawings.mark(Accent('var(--accent)', 'var(--on-accent)'))}"
            f'<h1><a href="/">Gallery</a></h1><span class="version">Version {version}</span>'
            f'<p class="count">{count}</p></header><main>{content}</main>{self._footer()}'
            f"<script>{self._script}</script></body></html>\n"
        )

    def _footer(self) -> str:
        slot = f", answered by the {escape(self._context.slot)} slot" if self._context.slot else ""
        return (
            f"<footer><span>Version {escape(self._context.version)}{slot}</span>"
            f"<span>Photos are kept in <code>{escape(self._context.folder)}</code></span></footer>"
        )

    def _grid(self, photos: list[Photo]) -> str:
        style = "grid mosaic" if self._context.features.mosaic else "grid"
        items = "".join(self._item(photo) for photo in photos)
        return f'<section id="photos" tabindex="-1" aria-label="Photos"><ul class="{style}">{items}</ul></section>'

    def _item(self, photo: Photo) -> str:
        address, title = _address(photo), escape(photo.title)
        caption = _caption(photo) if self._context.features.captions else ""
        return (
            f'<li class="photo" id="{_anchor(photo)}">'
            f'<a class="open" href="{address}"><img src="{address}" alt="{title}" loading="lazy"></a>{caption}'
            f'<a class="delete" href="{address}/delete" title="Delete">{drawings.TRASH}'
            f'<span class="unseen">Delete {title}</span></a></li>'
        )


_UPLOAD_FORM = (
    '<form class="upload" method="post" action="/photos" enctype="multipart/form-data">'
    '<label for="files"><strong>Add photos</strong>'
    f"<span>PNG, JPEG, GIF or WebP, up to {MAX_BYTES // 1024**2} MB each</span></label>"
    f'<input id="files" type="file" name="photo" multiple required accept="{",".join(ALL_SUFFIXES)}">'
    '<button class="main" aria-live="polite">Upload</button></form>'
)

_EMPTY = (
    f'<section id="photos" class="empty" tabindex="-1">{drawings.EMPTY}<h2>No photos yet</h2>'
    "<p>Drop some anywhere on this page, or choose them above.<br>They stay, whatever release comes next.</p></section>"
)

_LIGHTBOX = (
    '<dialog class="large" aria-label="Large view">'
    '<figure><img alt=""><figcaption aria-live="polite"></figcaption></figure>'
    f'<button class="close" aria-label="Close">{drawings.CROSS}</button>'
    f'<button class="previous" aria-label="Previous photo">{drawings.LEFT}</button>'
    f'<button class="next" aria-label="Next photo">{drawings.RIGHT}</button></dialog>'
)


def _notes(notes: list[str]) -> str:
    lines = "".join(f"<li>{escape(note)}</li>" for note in notes)
    shown = f"<ul>{lines}</ul>" if notes else '<p class="hint">Nothing written yet.</p>'
    return (
        f'<section class="notes" id="notes" aria-label="Notes"><h2>Notes</h2>{shown}'
        '<form method="post" action="/notes"><label class="unseen" for="note">A note</label>'
        '<input id="note" name="note" maxlength="500" required autocomplete="off" placeholder="Write a note">'
        "<button>Add</button></form></section>"
    )


def _caption(photo: Photo) -> str:
    added = time.localtime(photo.added_ns / 1e9)
    day = f"{added.tm_mday} {time.strftime('%B %Y', added)}"
    instant = time.strftime("%Y-%m-%dT%H:%M:%S", added)
    return (
        f'<div class="caption"><strong>{escape(photo.title)}</strong>'
        f'<span><time datetime="{instant}">{day}</time>, {readable_size(photo.size)}</span></div>'
    )


def _address(photo: Photo) -> str:
    return f"/photos/{quote(photo.name)}"


def _anchor(photo: Photo) -> str:
    return f"photo-{escape(photo.name)}"


def _style(features: Features) -> str:
    light, dark = (f":root{{--accent:{accent.colour};--on-accent:{accent.text}}}" for accent in features[:2])
    more = (_HERE / "lightbox.css").read_text() if features.lightbox else ""
    return f"{(_HERE / 'style.css').read_text()}{more}{light}@media (prefers-color-scheme: dark){{{dark}}}"


def _script(features: Features) -> str:
    more = (_HERE / "lightbox.js").read_text() if features.lightbox else ""
    return (_HERE / "upload.js").read_text() + more


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
