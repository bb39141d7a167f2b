"""Pictures that visitors upload: kept in storage, served at /uploads."""

import os
import secrets
import shutil
from pathlib import Path

from flask import Flask, abort, redirect, render_template, request, send_from_directory

# Potions sets STORAGE_DIR. Without it, on a developer's computer, storage/ beside this file takes its place.
STORAGE = Path(os.environ.get("STORAGE_DIR") or Path(__file__).parent / "storage").absolute()
UPLOADS = STORAGE / "uploads"
UPLOADS.mkdir(parents=True, exist_ok=True)

KINDS = {".gif", ".jpeg", ".jpg", ".png", ".webp"}

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = 20 * 1024 * 1024


@app.get("/")
def index():
    names = sorted(path.name for path in UPLOADS.iterdir() if path.suffix in KINDS and path.name[0] != ".")
    return render_template("index.html", names=names)


@app.post("/upload")
def upload():
    picture = request.files.get("picture")
    kind = Path(picture.filename or "").suffix.lower() if picture else ""
    if kind not in KINDS:
        abort(400, "Send a picture, in the field: picture")
    # A name of our own: what a visitor calls a file is never a path here, and nothing is ever replaced.
    name = secrets.token_hex(8) + kind
    keep(picture.stream, name)
    return redirect(f"/uploads/{name}", 303)


@app.get("/uploads/<name>")
def uploaded(name):
    return send_from_directory(UPLOADS, name)


@app.get("/health")
def health():
    return "ok\n"


def keep(stream, name):
    """Write beside, sync, rename: nobody ever sees half a picture, and an answer means that it is on disk."""
    part = UPLOADS / f".{name}"
    with part.open("xb") as file:
        shutil.copyfileobj(stream, file)
        file.flush()
        os.fsync(file.fileno())
    part.rename(UPLOADS / name)
