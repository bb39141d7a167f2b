"""The certificates that Caddy keeps."""

from __future__ import annotations

from collections.abc import Container, Iterator
from pathlib import Path

from cryptography import x509

from potions.layout import Home
from potions.model.doctor.certificates import CertificateSeen

_KEPT = "certificates"
#: A name in a path, where a star cannot stand.
_STAR = "wildcard_"


def look_at_kept(home: Home, names: Container[str]) -> Iterator[CertificateSeen]:
    """Those of these names: of each the one that lasts longest, as it may have been got from two authorities."""
    longest: dict[str, CertificateSeen] = {}
    for path in sorted((home.caddy_data / _KEPT).glob("*/*/*.crt")):
        seen = _seen(path)
        if seen is not None and seen.name in names:
            best = longest.setdefault(seen.name, seen)
            longest[seen.name] = max(best, seen, key=lambda one: one.ends)
    yield from longest.values()


def _seen(path: Path) -> CertificateSeen | None:
    """None for what is no certificate, or is gone by now: Caddy writes and removes them as it likes."""
    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return None
    name = path.stem.replace(_STAR, "*", 1)
    return CertificateSeen(name, found.not_valid_before_utc, found.not_valid_after_utc)
