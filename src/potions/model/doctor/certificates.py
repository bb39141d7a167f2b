"""Public names: their DNS records lead here, and their certificates are got, and renewed in time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

import msgspec

from potions.model.doctor.finding import Finding, Kind, Severity
from potions.model.domain_dns import DnsAnswer, DnsCheck

CERTIFICATE_EXPIRED = Kind(
    "certificate-expired",
    Severity.ERROR,
    "The certificate of a domain has run out: browsers warn every visitor.",
    "See why Caddy cannot renew it: journalctl -u potions-caddy",
)
CERTIFICATE_LATE = Kind(
    "certificate-late",
    Severity.WARNING,
    "The certificate of a domain should have been renewed long ago, and runs out soon.",
    "See why Caddy cannot renew it: journalctl -u potions-caddy",
)
CERTIFICATE_FAILED = Kind(
    "certificate-failed",
    Severity.ERROR,
    "There is no certificate for a domain, and the last try to get one failed. It is tried again by itself.",
    "See: potions domains list APP; the reason stands beside it",
)
DOMAIN_ELSEWHERE = Kind(
    "domain-elsewhere",
    Severity.WARNING,
    "The DNS records of a domain do not lead to this server: unless something in between does, visitors go astray.",
    "Put them right at the DNS provider, or take the domain away: potions domains remove APP DOMAIN",
)
DOMAIN_UNKNOWN = Kind(
    "domain-unknown",
    Severity.WARNING,
    "DNS could not be asked where a domain leads.",
    "Look again; if it stays so, look at the DNS servers of this computer: cat /etc/resolv.conf",
)

KINDS = (CERTIFICATE_EXPIRED, CERTIFICATE_LATE, CERTIFICATE_FAILED, DOMAIN_ELSEWHERE, DOMAIN_UNKNOWN)

#: Caddy renews in the last third of a certificate's life; in the last sixth that has failed for long.
_LATE = 6


class CertificateSeen(msgspec.Struct, frozen=True):
    """A certificate that Caddy keeps for a name that is in use."""

    name: str
    begins: datetime
    ends: datetime


def judge_certificates(
    seen: Iterable[CertificateSeen], now: datetime, failures: Mapping[str, str], names: Iterable[str]
) -> Iterator[Finding]:
    """None of ``names`` has run out, or is about to, or could not be got. ``failures``: why the last try failed."""
    kept = list(seen)
    have = {one.name for one in kept}
    for name in names:
        if name not in have and name in failures:
            what = f"There is no certificate for {name}, and none can be got."
            yield CERTIFICATE_FAILED.found(what, place=name, why=failures[name])
    for one in kept:
        yield from _judge_kept(one, now, failures.get(one.name, ""))


def _judge_kept(one: CertificateSeen, now: datetime, failure: str) -> Iterator[Finding]:
    left = one.ends - now
    if left <= timedelta():
        what = f"The certificate of {one.name} ran out on {one.ends:%Y-%m-%d %H:%M} UTC."
        yield CERTIFICATE_EXPIRED.found(what, place=one.name, why=failure)
    elif left < (one.ends - one.begins) / _LATE:
        what = f"The certificate of {one.name} runs out on {one.ends:%Y-%m-%d %H:%M} UTC, and was not renewed."
        yield CERTIFICATE_LATE.found(what, place=one.name, why=failure)


def judge_domain(app: str, name: str, answer: DnsAnswer, check: DnsCheck) -> Iterator[Finding]:
    """Its records lead here. ``app`` is empty for a name of the server's own."""
    if answer.failure:
        yield DOMAIN_UNKNOWN.found(check.why, app=app, place=name)
    elif not check.right:
        yield DOMAIN_ELSEWHERE.found(
            f"{name} does not lead to this server.",
            app=app,
            place=name,
            expected=" and ".join(check.expected),
            why=f"{check.why} Found: {', '.join(check.found) or 'no record'}.",
            do=check.do,
        )
