"""How a name stands with its certificate."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class CertificateState(StrEnum):
    """What visitors of a name find."""

    VALID = "valid"
    COMING = "coming"
    """None yet: it is being got, which takes seconds to a minute."""
    FAILED = "failed"
    """None, and the last try failed; it is tried again by itself, at longer and longer intervals."""
    EXPIRED = "expired"


class Certificate(msgspec.Struct, frozen=True):
    """What is known of it."""

    state: CertificateState
    issuer: str = ""
    until: datetime | None = None
    """It is renewed by itself well before."""
    failure: str = ""
    """Why the last try failed, as the authority or Caddy says; also of a renewal."""
