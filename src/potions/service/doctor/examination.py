"""All checks over one moment. What may be in the middle of changing is looked at twice before it is told."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from potions.errors import AppUnknown, PotionsError
from potions.host.locks import Lock
from potions.layout import Server
from potions.model.app import App
from potions.model.doctor import records
from potions.model.doctor.finding import Finding, worst_first, worst_of
from potions.schema import Looked
from potions.service.context import Context
from potions.service.doctor.checks import (
    OF_APP,
    OF_APP_OF_SERVER,
    OF_ONE_APP,
    OF_ONE_APP_OF_SERVER,
    OF_PLATFORM,
    OF_SERVER,
)
from potions.service.doctor.look import AppCheck, Check, Look, counted
from potions.service.doctor.scene import AppScene, Scene, look_around
from potions.service.jobs import Jobs

#: Seconds to wait for an app on which somebody works, before its findings are left for another time.
_PATIENCE = 3.0


class Found(NamedTuple):
    """What a check gave."""

    check: str
    words: str
    findings: list[Finding]


class Examination:
    """Looks at one home. Each method gives one entry for each check, in their order."""

    def __init__(self, context: Context, jobs: Jobs) -> None:
        self._context = context
        self._jobs = jobs
        self._is_server = isinstance(context.home, Server)

    @property
    def _of_platform(self) -> tuple[Check, ...]:
        return (*OF_PLATFORM, *OF_SERVER) if self._is_server else OF_PLATFORM

    @property
    def _of_app(self) -> tuple[AppCheck, ...]:
        return (*OF_APP, *OF_APP_OF_SERVER) if self._is_server else OF_APP

    @property
    def _of_one_app(self) -> tuple[AppCheck, ...]:
        return (*OF_ONE_APP, *OF_ONE_APP_OF_SERVER) if self._is_server else OF_ONE_APP

    def platform(self) -> list[Found]:
        """What belongs to no single app. Only what two looks in a row find counts."""
        first = self._platform_once(self._of_platform)
        if not any(found.findings for found in first):
            return first
        again = {finding.key for found in self._platform_once(self._of_platform) for finding in found.findings}
        return [
            found._replace(findings=[finding for finding in found.findings if finding.key in again]) for found in first
        ]

    def parts(self) -> list[Found]:
        """The parts of the platform alone: without them no app is well."""
        return self._platform_once(OF_PLATFORM[:1])

    def apps(self, apps: list[App], *, named: bool = True) -> list[Found]:
        """All apps, by their own directories. Nobody waits for this look: locks are taken where it finds something.

        ``named``: whether one that is alone has its name before its words.
        """
        if not apps:
            return []
        scene = look_around(self._context, self._jobs, apps)
        by_app = [self._confirmed(one, self._check_app(scene, one)) for one in scene.apps]
        name = f"{apps[0].name}: " if named else ""
        return [_merged(check, name, len(apps), every) for check, *every in zip(self._of_app, *by_app, strict=True)]

    def closely(self, app: App) -> list[Found]:
        """What takes its time: how an app answers, and what is in its storage."""
        scene = look_around(self._context, self._jobs, [app])
        return [_of_app(check, scene, scene.apps[0]) for check in self._of_one_app]

    @contextmanager
    def alone_with(self, app: App, give_up: Callable[[], bool]) -> Iterator[bool]:
        """Nobody else works on the app, or makes or deletes one of its name, meanwhile; False where somebody does."""
        locks: list[Lock] = []
        try:
            name = self._context.locks.take(f"name-{app.name}", give_up)
            both = [name, self._jobs.try_app(app, give_up) if name else None]
            locks += [lock for lock in both if lock is not None]
            yield len(locks) == len(both)
        finally:
            for lock in locks:
                lock.release()

    def _platform_once(self, checks: Iterable[Check]) -> list[Found]:
        scene = look_around(self._context, self._jobs, self._context.store.apps())
        return [Found(check.name, *_attempt(check.name, "", partial(check.look, scene))) for check in checks]

    def _confirmed(self, app: AppScene, found: list[Found]) -> list[Found]:
        """A second look at an app about which something was found, while nobody works on it."""
        if not any(one.findings for one in found):
            return found
        with self.alone_with(app.app, _after(_PATIENCE)) as alone:
            if not alone:
                return _left_for_later(app, found)
            try:
                return self.app_now(app.app)[1]
            except AppUnknown:
                # Deleted meanwhile.
                return [one._replace(findings=[]) for one in found]

    def app_now(self, app: App) -> tuple[AppScene, list[Found]]:
        """One look at an app, and at what was looked at. For who is alone with it. Raises AppUnknown."""
        scene = look_around(self._context, self._jobs, [self._context.app(app.name)])
        return scene.apps[0], self._check_app(scene, scene.apps[0])

    def _check_app(self, scene: Scene, app: AppScene) -> list[Found]:
        return [_of_app(check, scene, app) for check in self._of_app]


def looked(found: Found) -> Looked:
    """One line of the report."""
    return Looked(found.check, found.words, worst_of(found.findings))


def sorted_findings(found: Iterable[Found]) -> list[Finding]:
    """All of them, the worst first, otherwise in the order of the checks."""
    return worst_first(finding for one in found for finding in one.findings)


def _of_app(check: AppCheck, scene: Scene, app: AppScene) -> Found:
    return Found(check.name, *_attempt(check.name, app.name, lambda: check.look(scene, app)))


def _attempt(check: str, app: str, look: Callable[[], Look]) -> Look:
    """What cannot be looked at is a finding as well, and keeps nobody from the rest."""
    try:
        return look()
    except (PotionsError, OSError) as error:
        what = error.what if isinstance(error, PotionsError) else f"{error.strerror}: {error.filename}"
        failed = records.LOOK_FAILED.found(
            f"Not all could be looked at ({check}).", app=app, place=check, why=what, do=getattr(error, "do", "")
        )
        return Look("could not be looked at", [failed])


def _merged(check: AppCheck, app: str, count: int, every: list[Found]) -> Found:
    """One entry for all apps: in short for several, in the app's own words for one."""
    words = f"{app}{every[0].words}" if count == 1 else f"{check.words}: {counted(count, 'app')}"
    return Found(check.name, words, [finding for one in every for finding in one.findings])


def _left_for_later(app: AppScene, found: list[Found]) -> list[Found]:
    busy = records.APP_BUSY.found(f"{app.name} is being worked on; look again when that is over.", app=app.name)
    return [one._replace(findings=[busy] if number == 0 else []) for number, one in enumerate(found)]


def _after(seconds: float) -> Callable[[], bool]:
    deadline = time.monotonic() + seconds
    return lambda: time.monotonic() > deadline
