"""Looks at what only a server has: names of units, kept certificates, the computer."""

from __future__ import annotations

import ctypes
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from potions.host.doctor.certificates import look_at_kept
from potions.host.doctor.computer import look_at_computer
from potions.host.doctor.journal import last_lines_of, service_of
from potions.host.doctor.platform_parts import EmbeddedParts, ServerParts, parts_of
from potions.layout import SERVER, Home
from potions.render.systemd import unit_name

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("service", ["blog.blue", "my-blog.green", "blog.green.worker.mail", "agent", "caddy"])
def test_the_name_of_a_unit_leads_back(service: str) -> None:
    """What the supervisor port calls it."""
    assert service_of(unit_name(service)) == service


@pytest.mark.parametrize("unit", ["ssh.service", "nginx.service", "blue.service", "potions-agent.socket", "", "a-blue"])
def test_units_of_others(unit: str) -> None:
    """They have no name there."""
    assert service_of(unit) == ""


def test_an_app_that_is_called_like_the_platform() -> None:
    """A slot is a slot, whatever its app is called."""
    assert service_of("potions-blue.service") == "potions.blue"


def certificate(name: str, ends: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(ends - timedelta(days=90))
        .not_valid_after(ends)
    )
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def keep(home: Home, authority: str, name: str, text: bytes) -> None:
    folder = home.caddy_data / "certificates" / authority / name
    folder.mkdir(parents=True)
    (folder / f"{name}.crt").write_bytes(text)


def test_certificates_that_caddy_keeps(tmp_path: Path) -> None:
    """Of names that are in use, of two for one name the longer; what is broken is no certificate."""
    home = Home(tmp_path)
    keep(home, "one", "shop.example.com", certificate("shop.example.com", NOW))
    keep(home, "two", "shop.example.com", certificate("shop.example.com", NOW + timedelta(days=9)))
    keep(home, "one", "gone.example.com", certificate("gone.example.com", NOW))
    keep(home, "one", "wildcard_.example.com", certificate("*.example.com", NOW))
    keep(home, "one", "broken.example.com", b"nothing")
    found = list(look_at_kept(home, {"shop.example.com", "*.example.com", "broken.example.com"}))
    assert {one.name: one.ends for one in found} == {
        "shop.example.com": NOW + timedelta(days=9),
        "*.example.com": NOW,
    }
    assert list(look_at_kept(Home(tmp_path / "none"), {"shop.example.com"})) == []


def test_this_computer() -> None:
    """The kernel is asked for what it can; what was told is passed on."""
    seen = look_at_computer(updates=True)
    assert seen.kernel == os.uname().release
    assert seen.landlock == max(ctypes.CDLL(None).syscall(444, None, 0, 1), 0)
    assert (seen.updates, look_at_computer(updates=False).updates) == (True, False)


def test_a_journal_without_the_unit() -> None:
    """Nothing, and no error: also where there is no journal at all."""
    assert last_lines_of("potions-of-no-computer.service") == ""


def test_whose_parts_they_are(tmp_path: Path) -> None:
    """By the kind of the home; each says where a person reads on."""
    assert isinstance(parts_of(Home(tmp_path)), EmbeddedParts)
    assert isinstance(parts_of(SERVER), ServerParts)
    assert parts_of(SERVER).log_of("caddy") == "journalctl -u potions-caddy.service"
    assert parts_of(Home(tmp_path)).log_of("caddy") == str(tmp_path / "logs/caddy.log")
