"""The pages, a file a tab or a noun. Handlers hold no rules: they ask the agent and show what it says."""

from __future__ import annotations

from potions.dashboard.pages.account import AccountPages
from potions.dashboard.pages.apps import AppPages
from potions.dashboard.pages.audit import AuditPages
from potions.dashboard.pages.codes import CodePages
from potions.dashboard.pages.console import ConsolePages
from potions.dashboard.pages.deployment import DeploymentPages
from potions.dashboard.pages.deployments import DeploymentsPages
from potions.dashboard.pages.domains import DomainPages
from potions.dashboard.pages.environment import EnvironmentPages
from potions.dashboard.pages.environment_file import EnvironmentFilePages
from potions.dashboard.pages.logs import LogPages
from potions.dashboard.pages.overview import OverviewPages
from potions.dashboard.pages.people import PeoplePages
from potions.dashboard.pages.releases import ReleasePages
from potions.dashboard.pages.rollback import RollbackPages
from potions.dashboard.pages.servers import ServerPages
from potions.dashboard.pages.settings import SettingsPages
from potions.dashboard.pages.sign_in import SignInPages
from potions.dashboard.pages.storage import StoragePages
from potions.dashboard.pages.stored_files import StoredFilePages
from potions.dashboard.pages.tokens import TokenPages
from potions.dashboard.pages.trash import TrashPages

PAGES = (
    SignInPages,
    AppPages,
    OverviewPages,
    DeploymentsPages,
    DeploymentPages,
    RollbackPages,
    ReleasePages,
    DomainPages,
    EnvironmentPages,
    EnvironmentFilePages,
    StoragePages,
    StoredFilePages,
    LogPages,
    ConsolePages,
    SettingsPages,
    TrashPages,
    AccountPages,
    CodePages,
    TokenPages,
    PeoplePages,
    ServerPages,
    AuditPages,
)
