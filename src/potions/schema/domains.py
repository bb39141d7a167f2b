"""Domains of apps."""

from __future__ import annotations

from datetime import datetime

import msgspec

from potions.model.certificate import Certificate
from potions.model.domain import HostOutcome
from potions.model.domain_dns import DnsCheck


class DomainAdd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Have an app answer at a domain. ``name`` is parsed by the agent, so that its error says the rule."""

    name: str
    skip_dns_check: bool = False
    """Add it although its DNS records do not lead here, or could not be asked for."""


class DomainEntry(msgspec.Struct, frozen=True):
    """A name that an app answers at."""

    name: str
    """As DNS has it: lower case, other alphabets as punycode."""
    shown: str
    """For people: in its own alphabet where it has one."""
    primary: bool
    automatic: bool = False
    """It is the app's own name below the server's wildcard, and cannot be removed."""
    added: datetime | None = None
    dns: DnsCheck | None = None
    """None where that was not asked for."""
    certificate: Certificate | None = None
    """None where that was not asked for."""


class LostDomain(msgspec.Struct, frozen=True):
    """A domain that another app took while this one was deleted."""

    name: str
    shown: str
    app: str
    """Who has it now; empty where nobody does any more."""


class AppDomains(msgspec.Struct, frozen=True):
    """The names that an app answers at, and what else there is to know of them."""

    app: str
    address: str
    """Where people find the app; empty while it has no name on the Internet."""
    domains: list[DomainEntry]
    """The primary one first."""
    lost: list[LostDomain]
    expected: list[str]
    """The DNS records that lead to this server, as ``A 203.0.113.7``."""
    on_server: bool
    """False where Potions runs on somebody's own computer: no app has domains there."""


class DomainsChanged(msgspec.Struct, frozen=True):
    """What a change of an app's domains did."""

    name: str
    primary: str
    """The primary domain now; empty where there is none left."""
    host: HostOutcome
    """What became of the variable PHX_HOST."""
    host_says: str
    """What the primary domain, or the app's name without one, has it say."""
    warnings: list[str] = []
    """What is not as it should be, though it was done."""
