"""The certificate that visitors of a name are shown, and why Caddy could not get one."""

from __future__ import annotations

import os
import socket
import ssl
import stat
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509
from cryptography.x509.oid import NameOID

from potions.model.certificate import Certificate, CertificateState

_TIMEOUT = 3.0
#: So much of the end of the log is read: some hundred tries.
_TAIL_BYTES = 512 * 1024
_LONGEST = 400


def look_at_certificates(names: Sequence[str], log: Path, port: int = 443) -> dict[str, Certificate]:
    """For each name what this computer's own proxy shows for it, with what the log of the proxy says."""
    told = last_failures(log)
    with ThreadPoolExecutor(8) as pool:
        shown = pool.map(lambda name: shown_certificate(name, port), names)
        return {name: _judge(one, told.get(name, "")) for name, one in zip(names, shown, strict=True)}


def shown_certificate(name: str, port: int = 443) -> x509.Certificate | None:
    """The certificate that a visitor of ``name`` is shown; None where there is none."""
    context = ssl.create_default_context()
    # It is looked at, not trusted: one of an authority of the server's own has to be seen as well.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT) as plain,
            context.wrap_socket(plain, server_hostname=name) as secure,
        ):
            shown = secure.getpeercert(binary_form=True)
    except OSError:
        return None
    return x509.load_der_x509_certificate(shown) if shown else None


def last_failures(log: Path) -> dict[str, str]:
    """Each name whose last try failed, and why, as the proxy wrote it."""
    failed: dict[str, str] = {}
    for entry in _entries(log):
        name = entry.get("identifier")
        if not isinstance(name, str):
            name = _named_in(entry)
        if entry.get("error"):
            failed[name] = _plain(str(entry["error"]), name)
        elif str(entry.get("msg", "")).startswith("certificate obtained"):
            failed.pop(name, None)
    failed.pop("", None)
    return failed


def _judge(shown: x509.Certificate | None, failure: str) -> Certificate:
    if shown is None:
        return Certificate(CertificateState.FAILED if failure else CertificateState.COMING, failure=failure)
    until = shown.not_valid_after_utc
    state = CertificateState.VALID if datetime.now(UTC) < until else CertificateState.EXPIRED
    return Certificate(state, issuer=_issuer(shown), until=until, failure=failure)


def _issuer(shown: x509.Certificate) -> str:
    for kind in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        for attribute in shown.issuer.get_attributes_for_oid(kind):
            return str(attribute.value)
    return ""


def _entries(log: Path) -> Iterator[dict[str, Any]]:
    for line in _tail(log).splitlines():
        try:
            entry = msgspec.json.decode(line)
        except msgspec.MsgspecError:
            continue
        if isinstance(entry, dict):
            yield entry


def _tail(log: Path) -> bytes:
    """The end of a file of Caddy's own; a link in its place is not followed."""
    try:
        descriptor = os.open(log, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return b""
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        return file.read(_TAIL_BYTES)


def _named_in(entry: dict[str, Any]) -> str:
    """Of a try that will be made again Caddy names the domain only in its error: ``[blog.example.com] Obtain: …``."""
    error = str(entry.get("error", ""))
    return error[1:].partition("]")[0] if error.startswith("[") else ""


def _plain(error: str, name: str) -> str:
    shown = "".join(character if character.isprintable() else " " for character in error)
    for lead in (f"[{name}] ", "Obtain: ", f"[{name}] ", "Renew: ", f"[{name}] "):
        shown = shown.removeprefix(lead)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"
