"""`potions deploy` and `redeploy`: a release goes to its app, and serves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TransferSpeedColumn
from rich.table import Column
from rich.text import Text

from potions.cli.connection import connect
from potions.cli.faults import INTERRUPTED
from potions.cli.follow import follow, headline
from potions.cli.options import AppWord, Detach, Json
from potions.cli.screen import print_json, sanitise, say, sign, stderr, stdout
from potions.cli.steps import amount
from potions.cli.units import contents, duration, size
from potions.errors import AgentLost, ManifestRefused, PotionsError, UsageRefused
from potions.manifest import parse_manifest
from potions.names import parse_app_name
from potions.packing import LeftOut, ReleaseSource, open_release
from potions.schema import Deployment, Release

if TYPE_CHECKING:
    from potions.client import Client

_MANIFEST = "potions.toml"

_SHOWN_NAMES = 3

_Path = Annotated[Path, Parameter(name="PATH", help="A directory, or an archive of a release; this directory.")]
_AppOption = Annotated[
    str | None, Parameter(name="--app", help="The app; left out, it is `app` in the directory's potions.toml.")
]


_Everything = Annotated[bool, Parameter(name="--everything", negative="", help="Send what Git ignores, too.")]


def deploy(
    path: _Path = Path(),
    /,
    *,
    app: _AppOption = None,
    everything: _Everything = False,
    detach: Detach = False,
    json: Json = False,
) -> int:
    """Deploy a release, and follow it until it serves.

    PATH is a directory, or an archive: .tar.gz, .tar.zst, .tar.xz,
    .tar.bz2, .tar or .zip. Of the top of a Git checkout, what Git ignores
    stays here; of any directory, .git and virtual environments do. The
    release that serves goes on until the new one is healthy; if that
    never happens, nothing changes.

    For example:

        potions deploy . --app blog
        potions deploy blog-2.tar.gz --app blog --detach
    """
    name = parse_app_name(app if app is not None else _app_of(path))
    if not json and app is not None:
        _warn_of_another_app(path, name)
    source = open_release(path, everything=everything)
    with connect() as client:
        # Before anything is sent: a wrong name should not cost an upload.
        client.app(name)
        if not json:
            _say_what_stays(source.left_out)
        try:
            release = _send(client, name, source, quiet=json)
        except KeyboardInterrupt:
            say(f"Stopped before {name} had all of it; nothing is deployed.", console=stderr())
            return INTERRUPTED
        except AgentLost as error:
            raise AgentLost(
                error.what, why="The release was not received whole; nothing is deployed.", do="Run the same again."
            ) from error
        return _go_on(client, client.deploy(name, release.id), detach=detach, json=json)


def redeploy(app: AppWord, /, *, detach: Detach = False, json: Json = False) -> int:
    """Deploy the same release with the variables saved now.

    For example:

        potions env set blog FEATURE_X=on
        potions redeploy blog
    """
    with connect() as client:
        return _go_on(client, client.deploy(app), detach=detach, json=json)


def _app_of(path: Path) -> str:
    """The app that the directory's manifest names."""
    if not path.exists():
        raise UsageRefused(
            f"There is no {path}.",
            why="What is named first is a directory or an archive.",
            do=f"If it is the app: potions deploy --app {path}",
        )
    if not path.is_dir():
        raise UsageRefused(
            "Which app is it for?",
            why=f"{path} is not a directory with a {_MANIFEST} that would say it.",
            do=f"Name it: potions deploy {path} --app APP",
        )
    manifest = path / _MANIFEST
    named = _named_in(manifest)
    if named is None:
        raise UsageRefused(
            "Which app is it for?",
            why=f"{manifest} does not say it." if manifest.is_file() else f"There is no {manifest}.",
            do=f'Name it with --app APP, or write app = "APP" into {manifest}',
        )
    return named


def _named_in(manifest: Path) -> str | None:
    return parse_manifest(_text(manifest)).app if manifest.is_file() else None


def _warn_of_another_app(path: Path, name: str) -> None:
    """One directory may go to several apps, for a trial; more often the name is a mistake."""
    try:
        named = _named_in(path / _MANIFEST)
    except PotionsError:
        # Told by the deploy itself.
        return
    if named not in (None, name):
        say(f"{path / _MANIFEST} is of {named}; it is deployed to {name}.", "yellow", console=stderr())


def _text(manifest: Path) -> str:
    try:
        return manifest.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ManifestRefused(f"{manifest} is not UTF-8.", why=str(error), do="Save it as UTF-8.") from error
    except OSError as error:
        raise ManifestRefused(f"{manifest} cannot be read.", why=error.strerror or str(error)) from error


def _say_what_stays(left_out: LeftOut) -> None:
    """A line for what of a directory is not sent, and one for its storage."""
    reasons = {"ignored by Git": left_out.ignored, "virtual environment": left_out.environments}
    named = [f"{_some(names)} ({reason})" for reason, names in reasons.items() if names]
    if named:
        say(f"{sign('·', '-')} not sent: {'; '.join(named)}", "dim")
    if left_out.storage is not None:
        files, count = left_out.storage
        held = f": {contents(files, count)}" if files else ""
        say(f"{sign('·', '-')} storage/ stays here{held}; it is not part of a release", "dim")


def _some(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    shown = ", ".join(sanitise(name) for name in names[:_SHOWN_NAMES])
    more = len(names) - _SHOWN_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown


def _send(client: Client, app: str, source: ReleaseSource, *, quiet: bool) -> Release:
    began = time.monotonic()
    with _bar(source, hidden=quiet) as progress:
        release = client.send_release(
            app,
            source.name,
            source.chunks(progress),
            packed_bytes=source.packed_bytes,
            unpacked_bytes=source.unpacked_bytes,
        )
    if not quiet:
        spent = duration(time.monotonic() - began)
        say(
            f"{sign('✓', '+')} sent {sanitise(source.name)} as {release.label}: {size(release.packed_bytes)} in {spent}"
        )
    return release


class _Amount(ProgressColumn):
    """How much was read of how much, as the steps of a deployment say it."""

    def render(self, task: Task) -> Text:
        return Text(amount(int(task.completed), int(task.total or 0)), style="progress.download")


@contextmanager
def _bar(source: ReleaseSource, *, hidden: bool) -> Iterator[Callable[[int], None]]:
    """A bar of bytes and speed in a terminal; yields what to call with each further number of bytes."""
    console = stdout()
    # The bar is what makes room for a long name.
    whole = partial(Column, no_wrap=True)
    columns = (
        TextColumn("{task.description}", table_column=whole()),
        BarColumn(),
        _Amount(table_column=whole()),
        TransferSpeedColumn(table_column=whole()),
    )
    with Progress(*columns, console=console, transient=True, disable=hidden or not console.is_terminal) as progress:
        task = progress.add_task(f"sending {sanitise(source.name)}", total=source.packed_bytes or source.unpacked_bytes)
        yield lambda count: progress.advance(task, count)


def _go_on(client: Client, deployment: Deployment, *, detach: bool, json: bool) -> int:
    if not detach:
        return follow(client, deployment, json=json)
    if json:
        print_json(deployment)
        return 0
    say(f"{headline(deployment)} is {deployment.status}.")
    say(f"Follow it: potions log {deployment.app} {deployment.number} -f")
    return 0
