"""Pictures that visitors upload: kept in storage, served at /uploads."""

import os
import secrets
import shutil
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request, UploadFile
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from fastapi.templating import Jinja2Templates

HERE = Path(__file__).parent

# Potions sets STORAGE_DIR. Without it, on a developer's computer, storage/ beside this file takes its place.
STORAGE = Path(os.environ.get("STORAGE_DIR") or HERE / "storage").absolute()
UPLOADS = STORAGE / "uploads"
UPLOADS.mkdir(parents=True, exist_ok=True)

KINDS = {".gif", ".jpeg", ".jpg", ".png", ".webp"}

app = FastAPI()
# What the release brings along, and what visitors uploaded: two directories, two paths.
app.mount("/static", StaticFiles(directory=HERE / "static"))
app.mount("/uploads", StaticFiles(directory=UPLOADS))
templates = Jinja2Templates(directory=HERE / "templates")


@app.get("/", response_class=HTMLResponse)
def index(request: Request):
    names = sorted(path.name for path in UPLOADS.iterdir() if path.suffix in KINDS and path.name[0] != ".")
    return templates.TemplateResponse(request, "index.html", {"names": names})


@app.post("/upload")
def upload(picture: UploadFile):
    kind = Path(picture.filename or "").suffix.lower()
    if kind not in KINDS:
        raise HTTPException(400, "Send a picture, in the field: picture")
    # A name of our own: what a visitor calls a file is never a path here, and nothing is ever replaced.
    name = secrets.token_hex(8) + kind
    keep(picture.file, name)
    return RedirectResponse(f"/uploads/{name}", 303)


@app.get("/health", response_class=PlainTextResponse)
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
