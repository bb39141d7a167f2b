"""How the code of an app reaches its storage, by framework: what stands in the guides, in short."""

from __future__ import annotations

from typing import NamedTuple


class Framework(NamedTuple):
    """One way to write an app."""

    key: str
    name: str
    file: str
    """Where the code goes."""
    code: str
    guide: str
    """A document of Potions."""


FRAMEWORKS = (
    Framework(
        "phoenix",
        "Phoenix",
        "config/runtime.exs",
        'config :my_app, :storage, System.get_env("STORAGE_DIR") || Path.expand("storage")',
        "docs/guides/phoenix.md",
    ),
    Framework(
        "django",
        "Django",
        "settings.py",
        'STORAGE_DIR = Path(os.environ.get("STORAGE_DIR") or BASE_DIR / "storage").absolute()\n'
        'MEDIA_ROOT = STORAGE_DIR / "uploads"',
        "docs/guides/django.md",
    ),
    Framework(
        "python",
        "FastAPI, Flask",
        "main.py",
        'STORAGE = Path(os.environ.get("STORAGE_DIR") or Path(__file__).parent / "storage").absolute()',
        "docs/guides/fastapi-and-flask.md",
    ),
    Framework(
        "rails",
        "Rails",
        "config/storage.yml",
        'local:\n  service: Disk\n  root: <%= ENV.fetch("STORAGE_DIR") { Rails.root.join("storage") } %>/uploads',
        "docs/guides/rails.md",
    ),
    Framework(
        "node",
        "Node",
        "server.js",
        'const storage = path.resolve(process.env.STORAGE_DIR || path.join(__dirname, "storage"));',
        "docs/guides/node.md",
    ),
)

_BY_KEY = {framework.key: framework for framework in FRAMEWORKS}


def framework_called(key: str) -> Framework | None:
    return _BY_KEY.get(key)
