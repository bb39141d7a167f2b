"""Mending what was found: in an order in which one thing helps the next, each app while nobody else works on it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from potions.errors import PotionsError
from potions.model.app import App
from potions.model.doctor import processes, sites
from potions.model.doctor.finding import Finding
from potions.schema import Treated
from potions.service.context import Context
from potions.service.doctor.app import site_text
from potions.service.doctor.bench import Bench
from potions.service.doctor.examination import Examination, sorted_findings
from potions.service.doctor.fixes import FIXES
from potions.service.jobs import Jobs
from potions.service.lifecycle import LifecycleService

#: All that is mended by writing sites and loading them.
OF_SITES = frozenset(
    kind.code
    for kind in (sites.SITE_MISSING, sites.SITE_WRONG, sites.SITE_STRAY, sites.CADDYFILE_WRONG, sites.SITES_NOT_LOADED)
)
#: What takes the app's lock by itself, as ``potions start`` does.
OF_LIVE = processes.LIVE_DOWN.code

_ORDER = list(FIXES)


class Treatments:
    """Mends one home."""

    def __init__(self, context: Context, jobs: Jobs, lifecycle: LifecycleService, examination: Examination) -> None:
        self._context = context
        self._jobs = jobs
        self._lifecycle = lifecycle
        self._examination = examination

    def run(self, apps: list[App], only: Collection[str] | None, *, platform: bool) -> list[Treated]:
        """Mend the apps, and with ``platform`` what belongs to none of them.

        ``only``: the keys of the findings that are meant; None for all.
        """
        found = self._examination.platform() if platform else self._examination.parts()
        found += self._examination.apps(apps)
        meant = [one for one in sorted_findings(found) if one.fix and (only is None or one.key in only)]
        treated = _each(Bench(self._context, self._lifecycle, None), [one for one in meant if not one.app])
        for app in apps:
            treated += self._app(app, [one for one in meant if one.app == app.name and one.code in FIXES])
        treated += self._sites([one for one in meant if one.code in OF_SITES])
        return treated + [_done(one, partial(self._start, one)) for one in meant if one.code == OF_LIVE]

    def _app(self, app: App, meant: list[Finding]) -> list[Treated]:
        """What is still there when nobody else works on the app any more. It is waited for, as any command waits."""
        if not meant:
            return []
        try:
            with self._alone_with(app):
                seen, found = self._examination.app_now(app)
                still = {one.key for one in sorted_findings(found)}
                return _each(Bench(self._context, self._lifecycle, seen), [one for one in meant if one.key in still])
        except PotionsError as error:
            return [_failed(one, error) for one in meant]

    @contextmanager
    def _alone_with(self, app: App) -> Iterator[None]:
        """Raises AppBusy while a deploy of the app runs."""
        with self._names([app.name]):
            lock = self._jobs.take_app(app, "fix")
            try:
                yield
            finally:
                lock.release()

    @contextmanager
    def _names(self, names: Iterable[str]) -> Iterator[None]:
        """Nobody makes, deletes or brings back an app of these names meanwhile."""
        with ExitStack() as held:
            for name in sorted(set(names)):
                lock = self._context.locks.take(f"name-{name}")
                if lock is not None:
                    held.callback(lock.release)
            yield

    def _sites(self, meant: list[Finding]) -> list[Treated]:
        if not meant:
            return []
        strays = [Path(one.place).stem for one in meant if one.code == sites.SITE_STRAY.code]
        try:
            with self._names([*strays, *(one.app for one in meant if one.app)]):
                apps = {str(app.name): app for app in self._context.store.apps()}
                texts = {one.app: site_text(self._context, apps[one.app]) for one in meant if one.app in apps}
                self._context.proxy.amend(texts, [name for name in strays if name not in apps])
        except (PotionsError, OSError) as error:
            return [_failed(one, error) for one in meant]
        return [Treated(one, _words_of_site(one), done=True) for one in meant]

    def _start(self, finding: Finding) -> str:
        if self._context.app(finding.app).stopped:
            return f"left {finding.app} as it is: somebody has stopped it since"
        self._lifecycle.start(finding.app)
        return f"started {finding.app}; it is healthy"


def _each(bench: Bench, meant: list[Finding]) -> list[Treated]:
    """One after another, in the order of the list of fixes."""
    own = sorted((one for one in meant if one.code in FIXES), key=lambda one: _ORDER.index(one.code))
    return [_done(one, partial(FIXES[one.code], bench, one)) for one in own]


def _words_of_site(finding: Finding) -> str:
    if finding.code == sites.SITE_STRAY.code:
        return f"took {finding.place} out of the proxy"
    if finding.code == sites.SITES_NOT_LOADED.code:
        return "loaded what is on disk"
    return f"wrote {finding.place} anew, and loaded it"


def _done(finding: Finding, fix: Callable[[], str]) -> Treated:
    """What cannot be mended is told, and keeps nobody from the rest."""
    try:
        return Treated(finding, fix(), done=True)
    except (PotionsError, OSError) as error:
        return _failed(finding, error)


def _failed(finding: Finding, error: PotionsError | OSError) -> Treated:
    return Treated(finding, str(error), done=False)
