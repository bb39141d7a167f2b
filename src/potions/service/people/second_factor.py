"""Codes of authenticator apps (TOTP), and recovery codes for the day the device is lost."""

from __future__ import annotations

import base64
import hmac
import secrets
import time

import pyotp

from potions.errors import CodeNeeded, CodeRefused, CodesAlreadyOn, PersonNeeded, SignInRefused
from potions.model.access import Principal
from potions.model.person import RECOVERY_CODES
from potions.schema import RecoveryCodes, TotpStart
from potions.service.people.attempts import Attempts
from potions.service.people.credentials import hashed
from potions.service.people.passwords import fits
from potions.store.records import PersonRecord
from potions.store.store import Store

_ISSUER = "Potions"
_STEP = 30
#: Half minutes by which the clocks of both devices may differ.
_DRIFT = 1
#: 80 random bits: too many to be guessed, also by whoever has the database.
_RECOVERY_BYTES = 10
_GROUP = 4


class SecondFactorService:
    """Turned on and off by each person for themselves."""

    def __init__(self, store: Store, attempts: Attempts) -> None:
        self._store = store
        self._attempts = attempts

    def begin(self, asker: Principal) -> TotpStart:
        """A secret for the app. It counts once a code of it was confirmed. Raises CodesAlreadyOn."""
        record = own_record(self._store, asker)
        secret = pyotp.random_base32()
        self._store.begin_totp(record.id, secret)
        return TotpStart(secret, pyotp.TOTP(secret).provisioning_uri(name=record.person.name, issuer_name=_ISSUER))

    def confirm(self, asker: Principal, code: str) -> RecoveryCodes:
        """From now on a code is needed. Raises CodeRefused, CodesAlreadyOn."""
        record = own_record(self._store, asker)
        secret = self._store.totp_secret(record)
        if record.person.totp or secret is None or record.totp is None:
            raise CodesAlreadyOn(
                "Codes are on already." if record.person.totp else "Setting up codes was not begun.",
                do="Turn them off first." if record.person.totp else "Begin with the secret.",
            )
        with self._attempts.one(record.person.name, asker.address):
            step = _step_of(secret, code)
            if step is None:
                raise CodeRefused
        codes = [_new_recovery_code() for _ in range(RECOVERY_CODES)]
        kept = [hashed(_plain(code)) for code in codes]
        if not self._store.turn_totp_on(record.id, record.totp, step, kept):
            raise CodesAlreadyOn("Codes were set up anew meanwhile.", do="Begin again.")
        return RecoveryCodes(codes)

    def end(self, asker: Principal, password: str) -> None:
        """No code is needed any more; all other sessions end. Raises SignInRefused for a wrong password."""
        record = own_record(self._store, asker)
        with self._attempts.one(record.person.name, asker.address):
            if not fits(record.password, password):
                raise SignInRefused
        self._store.turn_totp_off(record.id, asker.session_id)

    def reset(self, name: str) -> None:
        """For somebody who lost the device and the recovery codes. Their sessions end. Raises PersonUnknown."""
        self._store.turn_totp_off(self._store.person(name).id, None)

    def check(self, record: PersonRecord, code: str | None) -> None:
        """Use up the code of somebody who needs one. Raises CodeNeeded, CodeRefused."""
        if not record.person.totp:
            return
        if not code:
            raise CodeNeeded
        if not self._is_good(record, code):
            raise CodeRefused

    def _is_good(self, record: PersonRecord, code: str) -> bool:
        plain = _plain(code)
        if len(plain) != 6:
            return self._store.use_recovery_code(record.id, hashed(plain))
        step = _step_of(self._store.totp_secret(record) or "", plain)
        return step is not None and self._store.use_step(record.id, step)


def own_record(store: Store, asker: Principal) -> PersonRecord:
    """The person who asks. Raises PersonNeeded for a system user."""
    if asker.person is None:
        raise PersonNeeded("Sign in on the dashboard; for others there is: potions users")
    return store.person(asker.person)


def now() -> float:
    """Seconds since 1970, by which codes are made."""
    return time.time()


def _step_of(secret: str, code: str) -> int | None:
    """The half minute that a code is of; None for none that is near enough."""
    totp = pyotp.TOTP(secret)
    step = int(now()) // _STEP
    given = _plain(code).encode("ascii", "replace")
    near = range(step - _DRIFT, step + _DRIFT + 1)
    good = [one for one in near if hmac.compare_digest(totp.generate_otp(one).encode(), given)]
    return good[0] if good else None


def _new_recovery_code() -> str:
    """``abcd-efgh-ijkl-mnop``."""
    text = base64.b32encode(secrets.token_bytes(_RECOVERY_BYTES)).decode().lower()
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))


def _plain(code: str) -> str:
    """As people type it: with or without dashes and spaces, in either case."""
    return "".join(character for character in code if character not in " -\t").lower()
