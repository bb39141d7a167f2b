"""Everything the API may ask, a file a noun."""

from __future__ import annotations

from potions.service.app_settings import AppSettingsService
from potions.service.apps import AppService
from potions.service.context import Context
from potions.service.deployments import DeploymentService
from potions.service.doctor.doctor import DoctorService
from potions.service.domains import DomainService
from potions.service.housekeeping import Housekeeping
from potions.service.jobs import Jobs
from potions.service.lifecycle import LifecycleService
from potions.service.logs import LogService
from potions.service.overview import OverviewService
from potions.service.people.attempts import Attempts
from potions.service.people.audit import AuditService
from potions.service.people.credentials import Authentication
from potions.service.people.people import PeopleService
from potions.service.people.second_factor import SecondFactorService
from potions.service.people.signing_in import SigningIn
from potions.service.people.tokens import TokenService
from potions.service.recovery import Recovery
from potions.service.releases import ReleaseService
from potions.service.rollbacks import RollbackService
from potions.service.runs import Runs
from potions.service.sampling import StorageSampler
from potions.service.standby import Standbys
from potions.service.storage import StorageService
from potions.service.terminals import TerminalService
from potions.service.variables import VariableService


class Service:
    """The service of one home, put together."""

    def __init__(self, context: Context) -> None:
        standbys = Standbys(context)
        runs = Runs(context, standbys)
        self.context = context
        self._standbys = standbys
        self.sampler = StorageSampler(context)
        self.jobs = Jobs(context, runs, self.sampler.ask)
        self.lifecycle = LifecycleService(context, runs, self.jobs)
        self.apps = AppService(context, self.lifecycle, self.jobs)
        self.domains = DomainService(context, self.apps, context.dns)
        self.deployments = DeploymentService(context, self.jobs)
        self.rollbacks = RollbackService(context, self.jobs, self.lifecycle)
        self.releases = ReleaseService(context)
        self.variables = VariableService(context)
        self.logs = LogService(context)
        self.doctor = DoctorService(context, self.jobs, self.lifecycle)
        self.storage = StorageService(context, self.sampler)
        self.app_settings = AppSettingsService(context)
        self.overview = OverviewService(context, self.variables, self.sampler)
        self.housekeeping = Housekeeping(self.apps, context.store)
        attempts = Attempts()
        self.authentication = Authentication(context.store)
        self.people = PeopleService(context.store)
        self.codes = SecondFactorService(context.store, attempts)
        self.signing_in = SigningIn(context.store, attempts, self.codes)
        self.tokens = TokenService(context.store)
        self.audit = AuditService(context.store)
        self.terminals = TerminalService(context, self.audit)
        self.recovery = Recovery(context, runs, self.jobs, self.apps, self.lifecycle)

    def start(self) -> None:
        """Settle what a crash left, then work on the queue and tidy up now and again."""
        self.recovery.run()
        self.jobs.start()
        self._standbys.start(self.lifecycle.end_standby)
        self.storage.start()
        self.housekeeping.start()
        self.sampler.start()
