"""Secret values do not print, are sealed at rest and are taken out of output."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potions.errors import StoreFailed
from potions.secret import Redactor, Sealer, Secret, new_key

_VALUE = "correct horse battery staple"
_SEALER = Sealer(new_key())


@pytest.mark.parametrize("show", [str, repr, "{}".format, "{!r:>40}".format, "%s".__mod__, "{:>40}".format])
def test_a_secret_shows_in_no_way_of_printing(show: object) -> None:
    """Only reveal gives the value."""
    secret = Secret(_VALUE)
    assert _VALUE not in show(secret)  # type: ignore[operator]
    assert _VALUE not in show([secret]) if show is str else True  # type: ignore[operator]
    assert secret.reveal() == _VALUE


def test_a_secret_stays_out_of_a_log_line_and_of_a_container(caplog: pytest.LogCaptureFixture) -> None:
    """A dictionary with a secret in it can be logged without harm."""
    logging.getLogger("potions").warning("environment: %s", {"API_KEY": Secret(_VALUE)})
    assert "API_KEY" in caplog.text
    assert _VALUE not in caplog.text


@pytest.mark.parametrize("leak", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_secret_is_not_serialised(leak: object) -> None:
    """It cannot end up in a cache or a queue by accident."""
    with pytest.raises(TypeError, match="not serialised"):
        leak(Secret(_VALUE))  # type: ignore[operator]


def test_secrets_are_equal_by_their_value() -> None:
    """A secret equals another one with its value, and never a plain text."""
    assert Secret("é") == Secret("é")
    assert hash(Secret("é")) == hash(Secret("é"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


@given(st.binary(max_size=2000), st.text(max_size=50))
def test_what_was_sealed_opens_with_the_same_key_and_context(plain: bytes, context: str) -> None:
    """Any bytes come back as they were."""
    assert _SEALER.open(_SEALER.seal(plain, context), context) == plain


def test_a_sealed_value_shows_nothing_and_is_never_the_same_twice() -> None:
    """Every sealing has its own nonce."""
    sealed = {_SEALER.seal(_VALUE.encode(), "blog/API_KEY") for _ in range(100)}
    assert len(sealed) == 100
    assert not any(_VALUE.encode() in one for one in sealed)


def test_a_value_does_not_open_with_another_key() -> None:
    """The error says that the key is not this database's."""
    with pytest.raises(StoreFailed) as failed:
        Sealer(new_key()).open(_SEALER.seal(b"x", "blog/A"), "blog/A")
    assert "secret.key does not belong to this database" in failed.value.why


def test_a_value_does_not_open_for_another_app_or_name() -> None:
    """A row that was moved in the database is not another app's variable."""
    with pytest.raises(StoreFailed):
        _SEALER.open(_SEALER.seal(b"x", "blog/A"), "blog2/A")


def test_changed_bytes_do_not_open() -> None:
    """Every bit counts: version, nonce, text and tag; and so does the length."""
    sealed = _SEALER.seal(b"0123456789", "c")
    for index in range(len(sealed)):
        changed = sealed[:index] + bytes([sealed[index] ^ 1]) + sealed[index + 1 :]
        with pytest.raises(StoreFailed):
            _SEALER.open(changed, "c")
        with pytest.raises(StoreFailed):
            _SEALER.open(sealed[:index], "c")


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(size: int) -> None:
    """A truncated secret.key is told as what it is."""
    with pytest.raises(StoreFailed, match=r"secret\.key is damaged"):
        Sealer(b"k" * size)


def test_a_value_in_output_becomes_its_name() -> None:
    """What the app prints of its variables is not kept."""
    redactor = Redactor({"API_KEY": "s3cr3t-value"})
    assert redactor.line("key=s3cr3t-value; s3cr3t-value") == "key=[API_KEY]; [API_KEY]"


def test_the_longest_value_goes_first() -> None:
    """A value that contains another one leaves no rest behind."""
    redactor = Redactor({"PART": "abcdefgh", "WHOLE": "abcdefgh-ijkl"})
    assert redactor.line("abcdefgh-ijkl abcdefgh") == "[WHOLE] [PART]"


def test_a_value_of_several_lines_is_found_line_by_line() -> None:
    """A printed key is blacked out although output comes a line at a time; short lines stay."""
    key = "-----BEGIN KEY-----\n  c2VjcmV0LWxpbmU=\r\nend\n"
    redactor = Redactor({"KEY": key})
    assert redactor.line("c2VjcmV0LWxpbmU=") == "[KEY]"
    assert redactor.line("-----BEGIN KEY-----") == "[KEY]"
    assert redactor.line("the end") == "the end"
    assert redactor.line(key) == "[KEY]"


def test_short_values_and_those_that_are_no_secret_stay() -> None:
    """A log stays readable: words, ports and paths of the platform are not blacked out."""
    plain = {"STORAGE_DIR": "/srv/apps/blog/storage", "PHX_HOST": "blog.localhost", "POTIONS_DIR": "/srv/apps/blog"}
    redactor = Redactor({"SHORT": "1234567", "BLANK": " " * 20, **plain})
    line = f"{' '.join(plain.values())} 1234567 {' ' * 20}"
    assert redactor.line(line) == line


def test_a_value_is_no_pattern() -> None:
    """Characters that mean something to a regular expression are ordinary ones here."""
    assert Redactor({"A": ".*.*.*.*"}).line("anything .*.*.*.*") == "anything [A]"
    assert Redactor({}).line("anything") == "anything"


@pytest.mark.parametrize("write", [json.dumps, repr, lambda value: json.dumps(value, ensure_ascii=False)])
def test_a_value_is_found_between_quotes(write: Callable[[str], str]) -> None:
    """What logs as JSON, or prints a dictionary, writes some characters in another way."""
    value = "pass\"wo\\rd-\u00e9-it's"
    line = Redactor({"KEY": value}).line(f"key is {write(value)}")
    assert line[1:-1] in ('ey is "[KEY]', "ey is '[KEY]")


def test_the_password_of_a_url_is_found_by_itself() -> None:
    """A database's client shows the parts of its address; the host is no secret."""
    redactor = Redactor({"DATABASE_URL": "postgres://blog:hunter2%2Fhunter2@db.internal:5432/blog"})
    assert redactor.line("host=db.internal password=hunter2/hunter2") == "host=db.internal password=[DATABASE_URL]"
    assert redactor.line("hunter2%2Fhunter2") == "[DATABASE_URL]"
    assert Redactor({"BROKEN": "http://[broken"}).line("http://[broken") == "[BROKEN]"
