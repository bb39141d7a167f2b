"""The certificates of public names: renewed in time, and got at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

import msgspec

from potions.model.doctor.finding import Finding, Kind, Severity

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

KINDS = (CERTIFICATE_EXPIRED, CERTIFICATE_LATE)

#: Caddy renews in the last third of a certificate's life; in the last sixth that has failed for long.
_LATE = 6


class CertificateSeen(msgspec.Struct, frozen=True):
    """A certificate that Caddy keeps for a name that is in use."""

    name: str
    begins: datetime
    ends: datetime


def judge_certificates(seen: Iterable[CertificateSeen], now: datetime) -> Iterator[Finding]:
    """None has run out, and none is about to."""
    for one in seen:
        left = one.ends - now
        if left <= timedelta():
            what = f"The certificate of {one.name} ran out on {one.ends:%Y-%m-%d %H:%M} UTC."
            yield CERTIFICATE_EXPIRED.found(what, place=one.name)
        elif left < (one.ends - one.begins) / _LATE:
            what = f"The certificate of {one.name} runs out on {one.ends:%Y-%m-%d %H:%M} UTC, and was not renewed."
            yield CERTIFICATE_LATE.found(what, place=one.name)
