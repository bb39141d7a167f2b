"""What may be asked of the doctor."""

from __future__ import annotations

import time
from collections.abc import Iterable

from potions import __version__
from potions.schema import Checkup, FixRequest, Treatment
from potions.service.context import Context
from potions.service.doctor.examination import Examination, Found, looked, sorted_findings
from potions.service.doctor.treatment import Treatments
from potions.service.jobs import Jobs
from potions.service.lifecycle import LifecycleService


class DoctorService:
    """Looks change nothing; a fix does one thing for each finding that it is meant for."""

    def __init__(self, context: Context, jobs: Jobs, lifecycle: LifecycleService) -> None:
        self._context = context
        self._examination = Examination(context, jobs)
        self._treatments = Treatments(context, jobs, lifecycle, self._examination)

    def platform(self) -> Checkup:
        """The platform, and every app from outside of its storage."""
        began = time.monotonic()
        apps = self._context.store.apps()
        found = [*self._examination.platform(), *self._examination.apps(apps)]
        return self._checkup("", len(apps), found, began)

    def app(self, name: str) -> Checkup:
        """One app with its storage. Raises AppUnknown."""
        began = time.monotonic()
        app = self._context.app(name)
        examination = self._examination
        found = [*examination.parts(), *examination.apps([app], named=False), *examination.closely(app)]
        return self._checkup(app.name, 1, found, began)

    def fix_platform(self, request: FixRequest) -> Treatment:
        """Mend the platform and all apps, and look again."""
        treated = self._treatments.run(self._context.store.apps(), request.only, platform=True)
        return Treatment(treated, self.platform())

    def fix_app(self, name: str, request: FixRequest) -> Treatment:
        """Mend one app, and look again. Raises AppUnknown."""
        treated = self._treatments.run([self._context.app(name)], request.only, platform=False)
        return Treatment(treated, self.app(name))

    def _checkup(self, app: str, apps: int, found: Iterable[Found], began: float) -> Checkup:
        every = list(found)
        return Checkup(
            version=__version__,
            home=str(self._context.home.root),
            app=app,
            apps=apps,
            looked_at=[looked(one) for one in every],
            findings=sorted_findings(every),
            seconds=round(time.monotonic() - began, 3),
        )
