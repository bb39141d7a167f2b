"""What the proxy's own log says about certificates, and what a listener shows."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from potions.host.certificates import last_failures, look_at_certificates, shown_certificate
from potions.model.certificate import Certificate, CertificateState
from support.platform import free_port

NAME = "blog.example.com"


def write(log: Path, *entries: dict[str, str]) -> None:
    log.write_text("".join(json.dumps(entry) + "\n" for entry in entries))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "certificates.log"


def test_the_last_try_counts(log: Path) -> None:
    """A failure is over once the certificate was got, and there again when a later try fails."""
    failed = {"level": "error", "identifier": NAME, "error": "the authority says no"}
    got = {"level": "info", "msg": "certificate obtained successfully", "identifier": NAME}
    write(log, failed)
    assert last_failures(log) == {NAME: "the authority says no"}
    write(log, failed, got)
    assert last_failures(log) == {}
    write(log, failed, got, {**failed, "error": "too many"})
    assert last_failures(log) == {NAME: "too many"}


def test_a_try_that_will_be_made_again_names_the_domain_in_its_error(log: Path) -> None:
    """It has no field for it; and what repeats the name is left out."""
    write(log, {"msg": "will retry", "error": f"[{NAME}] Obtain: [{NAME}] solving challenge: timeout"})
    assert last_failures(log) == {NAME: "solving challenge: timeout"}


def test_one_domain_is_not_another_that_begins_like_it(log: Path) -> None:
    """Each has its own line."""
    write(log, {"identifier": "blog.example.com.au", "error": "no"})
    assert last_failures(log) == {"blog.example.com.au": "no"}


def test_what_is_no_entry_is_passed_over(log: Path) -> None:
    """Half a line at the end, a list, a line without a name: a log is written while it is read."""
    log.write_bytes(b'not json\n[1, 2]\n{"error": "of nobody"}\n{"identifier": 5}\n\xff\n{"identifier": "a.b", "err')
    assert last_failures(log) == {}


def test_an_error_is_shortened_and_has_no_control_characters(log: Path) -> None:
    """It comes from elsewhere, and is shown in terminals."""
    write(log, {"identifier": NAME, "error": "\x1b[31m" + "x" * 5000})
    told = last_failures(log)[NAME]
    assert len(told) <= 400
    assert told.isprintable()


def test_a_log_that_is_missing_or_a_link_says_nothing(tmp_path: Path) -> None:
    """It lies in a folder of the proxy's own user, who could point it anywhere; a pipe in its place holds nobody up."""
    other = tmp_path / "other"
    write(other, {"identifier": NAME, "error": "no"})
    link, pipe = tmp_path / "link", tmp_path / "pipe"
    link.symlink_to(other)
    os.mkfifo(pipe)
    for place in (tmp_path / "missing", link, pipe):
        assert last_failures(place) == {}


def test_only_the_end_of_a_long_log_is_read(log: Path) -> None:
    """The newest lines are there, however much came before."""
    with log.open("w") as file:
        for number in range(20_000):
            file.write(json.dumps({"identifier": f"n{number}.example.com", "error": "no" * 20}) + "\n")
    assert "n19999.example.com" in last_failures(log)
    assert "n0.example.com" not in last_failures(log)


def test_where_nobody_listens_there_is_no_certificate(log: Path) -> None:
    """One that is not there is being got, unless the last try failed."""
    write(log, {"identifier": "bad.example.com", "error": "no"})
    port = free_port()
    assert shown_certificate(NAME, port) is None
    assert look_at_certificates([NAME, "bad.example.com"], log, port) == {
        NAME: Certificate(CertificateState.COMING),
        "bad.example.com": Certificate(CertificateState.FAILED, failure="no"),
    }
