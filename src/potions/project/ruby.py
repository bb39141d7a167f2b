"""Ruby on Rails, by its Gemfile."""

from __future__ import annotations

import re

from potions.project.evidence import Project
from potions.project.proposal import Proposal, Setting

_RAILS = re.compile(r"""^\s*gem\s*\(?\s*["']rails["']""", re.MULTILINE)
#: An app without one of these, an API for example, has no task that makes assets.
_ASSETS = re.compile(r"""^\s*gem\s*\(?\s*["'](?:propshaft|sprockets(?:-rails)?)["']""", re.MULTILINE)
_BUILD = (
    "In the slot, as the app's user. Gems are kept in the app's HOME from one release to the next, because many of "
    "them are compiled."
)


def rails_proposal(project: Project) -> Proposal | None:
    """What fits a Rails app; None where this is none."""
    if not _RAILS.search(project.text("Gemfile")):
        return None
    assets = _ASSETS.search(project.text("Gemfile")) is not None
    return Proposal(
        "Rails",
        ("rails in Gemfile",),
        Setting(
            (
                'bundle config set --local path "$HOME/bundle"',
                'bundle config set --local without "development test"',
                "bundle install",
                *(("SECRET_KEY_BASE_DUMMY=1 bundle exec rails assets:precompile",) if assets else ()),
            ),
            _BUILD + (" Assets are made with a key of no worth." if assets else ""),
        ),
        Setting(
            ("bundle exec puma --bind tcp://127.0.0.1:$PORT",),
            "Listens on the slot's own port, for the proxy on this computer alone.",
        ),
        Setting(("bundle exec rails db:prepare",), "While the old release serves, before this one."),
        env={"RAILS_ENV": "production", "RAILS_LOG_TO_STDOUT": "1", "RAILS_SERVE_STATIC_FILES": "1"},
        notes=("Ruby and Bundler have to be installed where Potions runs, for every user.",),
        # Rails' own way is fine: ./storage is the persistent directory too.
        fallback=""
        if project.mentions('Rails.root.join("storage")')
        else 'root: <%= ENV.fetch("STORAGE_DIR") { Rails.root.join("storage") } %>   (config/storage.yml)',
    )
