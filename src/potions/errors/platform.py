"""The platform itself."""

from __future__ import annotations

from potions.errors.error import PotionsError


class AgentUnreachable(PotionsError):
    """Nothing answers on the agent's socket: Potions does not run here."""

    code = "agent-unreachable"
    http_status = 503
    retry = True


class AgentNotStarted(AgentUnreachable):
    """The agent cannot start, and tells why to whoever asks meanwhile."""

    code = "agent-not-started"


class AgentLost(PotionsError):
    """The agent stopped answering in the middle of an answer, so what it did last is not known."""

    code = "agent-lost"
    http_status = 503


class NotAllowed(PotionsError):
    """The caller may not command this agent."""

    code = "not-allowed"
    http_status = 403


class HomeRefused(PotionsError):
    """A directory that cannot be Potions' home."""

    code = "home-refused"
    exit_status = 2


class ServerRefused(PotionsError):
    """A computer that cannot be made a Potions server as it is; nothing on it was changed."""

    code = "server-refused"


class WheelRefused(PotionsError):
    """A wheel that a server cannot be made of."""

    code = "wheel-refused"
    exit_status = 2


class InstallFailed(PotionsError):
    """A step of installing or uninstalling a server did not succeed; what came before stays right."""

    code = "install-failed"


class HomeBusy(PotionsError):
    """Another process is working on this home right now."""

    code = "home-busy"
    retry = True


class StartFailed(PotionsError):
    """A part of Potions (supervisord, Caddy, the agent) did not come up."""

    code = "start-failed"


class ProxyRefused(PotionsError):
    """Caddy refused a configuration; the one before it is still in force."""

    code = "proxy-refused"
    http_status = 502


class SupervisorRefused(PotionsError):
    """The process supervisor refused or failed a call."""

    code = "supervisor-refused"
    http_status = 502


class OutputUnreadable(PotionsError):
    """What apps print could not be read back from the journal of systemd."""

    code = "output-unreadable"
    http_status = 502
    retry = True


class UnsafePath(PotionsError):
    """A path that Potions will not delete or replace: a link on the way, a mount inside, or outside its own tree."""

    code = "unsafe-path"
    http_status = 409


class StoreFailed(PotionsError):
    """The agent's own database cannot be opened or is newer than this version."""

    code = "store-failed"
    http_status = 500


class RequestRefused(PotionsError):
    """A request to the API that does not fit its schema."""

    code = "request-refused"


class InternalError(PotionsError):
    """A mistake in Potions itself; the agent's log has the details."""

    code = "internal"
    http_status = 500
