"""Names are parsed once, and refused with their rule."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potions.errors import NameRefused, ReservedVariable, StoredPathRefused, VariableRefused
from potions.names import (
    APP_NAME_MAX,
    ENV_VALUE_MAX_BYTES,
    decode_stored_path,
    parse_app_name,
    parse_env_name,
    parse_env_value,
    parse_label_or_number,
    parse_new_app_name,
    parse_person_name,
    parse_release_id,
    parse_stored_path,
    parse_token_name,
)


@pytest.mark.parametrize("name", ["a", "blog", "blog2", "my-app", "a" * APP_NAME_MAX, "x-"])
def test_an_app_name_of_letters_digits_and_dashes_is_taken_as_it_is(name: str) -> None:
    """A good name comes back unchanged."""
    assert parse_app_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a/b",
        "/a",
        "Blog",
        "my_app",
        "2blog",
        "-a",
        "a b",
        "a\n",
        "\na",
        "a.b",
        "ä",
        "a\0",
        "a" * 41,
        "٣a",
    ],
)
def test_any_other_app_name_is_refused_with_the_rule(name: str) -> None:
    """A name that could be a path, another app or an option never becomes an app."""
    with pytest.raises(NameRefused) as refused:
        parse_app_name(name)
    assert "A letter first" in refused.value.why
    assert refused.value.exit_status == 2


@pytest.mark.parametrize("name", ["A", "a", "_", "DATABASE_URL", "PORTS", "MY_PORT", "storage_dir", "XPOTIONS_A", "A1"])
def test_a_variable_name_is_taken_as_it_is(name: str) -> None:
    """A good name comes back unchanged, also one that resembles a reserved one."""
    assert parse_env_name(name) == name


@pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "A=B", "A\n", "É", "A\0", " A", "A.B", "export A"])
def test_any_other_variable_name_is_refused_with_the_rule_and_its_place(name: str) -> None:
    """The error says the rule and where the name stood."""
    with pytest.raises(NameRefused) as refused:
        parse_env_name(name, source="line 3")
    assert "no digit first" in refused.value.why
    assert "line 3" in refused.value.why


@pytest.mark.parametrize("name", ["STORAGE_DIR", "PORT", "POTIONS_APP", "POTIONS_", "POTIONS_ANYTHING"])
def test_a_reserved_variable_is_refused_with_its_reason(name: str) -> None:
    """What only the platform sets has an error of its own, with what to do."""
    with pytest.raises(ReservedVariable) as refused:
        parse_env_name(name, source="line 3")
    assert name in refused.value.what
    assert "line 3" in refused.value.what
    assert refused.value.why
    assert refused.value.do


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))))
def test_any_text_without_nul_is_a_value(value: str) -> None:
    """Newlines, quotes, '=' and every other character pass unchanged."""
    assert parse_env_value("A", value) == value


def test_a_value_may_have_100_kb_and_no_byte_more() -> None:
    """The limit counts bytes, not characters."""
    assert parse_env_value("A", "é" * (ENV_VALUE_MAX_BYTES // 2))
    with pytest.raises(VariableRefused):
        parse_env_value("A", "é" * (ENV_VALUE_MAX_BYTES // 2) + "x")


@pytest.mark.parametrize("value", ["secret\0", "secret\ud800"])
def test_a_value_no_process_can_carry_is_refused_without_showing_it(value: str) -> None:
    """The error names the variable and never its value."""
    with pytest.raises(VariableRefused) as refused:
        parse_env_value("API_KEY", value)
    assert "API_KEY" in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "a" * 63, "a" * 65, "A" * 64, "g" * 64, "a" * 64 + "\n", "../" + "a" * 61])
def test_a_release_is_64_hexadecimal_digits(text: str) -> None:
    """Nothing else becomes part of an archive's path."""
    with pytest.raises(NameRefused):
        parse_release_id(text)
    assert parse_release_id("0a" * 32) == "0a" * 32


@pytest.mark.parametrize(
    ("text", "meant"), [("r1", "r1"), ("r120", "r120"), ("1", 1), ("120", 120), ("9" * 18, int("9" * 18))]
)
def test_a_release_is_named_by_its_label_and_a_deployment_by_its_number(text: str, meant: str | int) -> None:
    """What a rollback goes to, and what a diff compares."""
    assert parse_label_or_number(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "r",
            "r0",
            "r01",
            "R1",
            "0",
            "01",
            "-1",
            "+1",
            "1.0",
            "1e3",
            "r1 ",
            " r1",
            "r1\n",
            "1\n",
            "r-1",
            "latest",
        ),
        *("9" * 19, "r" + "9" * 19, "9" * 5000, "a" * 64, "../r1", "r1\0", "٣"),
    ],
)
def test_anything_else_names_neither(text: str) -> None:
    """It is refused with both ways to say it, and never taken for something near it."""
    with pytest.raises(NameRefused) as refused:
        parse_label_or_number(text)
    assert "r12" in refused.value.why


# Paths in a storage


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ()),
        (".", ()),
        ("./", ()),
        ("a", ("a",)),
        ("a/b c/d.txt", ("a", "b c", "d.txt")),
        ("./a//b/./c/", ("a", "b", "c")),
        ("...", ("...",)),
        ("..a/b..", ("..a", "b..")),
        ("-r/\n\x1b[31m", ("-r", "\n\x1b[31m")),
        ("x" * 255, ("x" * 255,)),
        ("caf\udce9", ("caf\udce9",)),
    ],
)
def test_a_path_below_a_storage_is_taken_as_its_names(text: str, parts: tuple[str, ...]) -> None:
    """Empty names and single dots say nothing, as everywhere; every other name is taken as it is."""
    assert parse_stored_path(text).parts == parts


@pytest.mark.parametrize(
    "text",
    [
        "/",
        "/etc/passwd",
        "//a",
        "..",
        "../../etc/passwd",
        "a/../../b",
        "a/..",
        "a\0b",
        "a/\0",
        "x" * 256,
        "ä" * 128,
        "a/" * 4200 + "b",
        "\ud800",
        "a/\udfff",
    ],
)
def test_any_other_path_is_refused(text: str) -> None:
    """What could lead out of the storage, and what no file system has; in words that a terminal can print."""
    with pytest.raises(StoredPathRefused) as refused:
        parse_stored_path(text)
    assert refused.value.why
    assert str(refused.value).isprintable() or "\n" in str(refused.value)
    assert len(refused.value.what) < 200


def test_a_path_may_be_longer_than_linux_takes_one() -> None:
    """It is walked name by name."""
    assert len(parse_stored_path("/".join(["x" * 100] * 60)).parts) == 60


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6))
def test_a_path_of_any_bytes_goes_through_a_url(names: list[bytes]) -> None:
    """What is encoded is plain letters, and decodes to the same bytes."""
    names = [name for name in names if not set(name) & set(b"/\0") and name not in (b".", b"..")]
    path = parse_stored_path("/".join(name.decode("utf-8", "surrogateescape") for name in names))
    assert path.encoded.isascii() and path.encoded.isprintable()
    assert decode_stored_path(path.encoded) == path
    assert [os.fsencode(part) for part in path.parts] == names


def test_a_path_is_shown_without_what_a_terminal_would_obey() -> None:
    """Control characters and bytes that are no UTF-8 stand as escapes."""
    assert str(parse_stored_path("a/\x1b[31mred\n/caf\udce9/ü")) == "a/\\x1b[31mred\\n/caf\\xe9/ü"
    assert str(parse_stored_path("")) == "."


def test_a_path_knows_its_neighbours() -> None:
    """Its folder, its last name, and what is in it."""
    path = parse_stored_path("a/b")
    assert (path.name, path.parent, path.inside("c", "d")) == (
        "b",
        parse_stored_path("a"),
        parse_stored_path("a/b/c/d"),
    )
    assert (parse_stored_path("").name, parse_stored_path("").parent) == ("", parse_stored_path(""))


# People and tokens


def test_no_new_app_takes_the_platforms_own_address() -> None:
    """One that has the name already can still be looked at and deleted."""
    assert parse_app_name("potions") == "potions"
    assert parse_new_app_name("potions2") == "potions2"
    with pytest.raises(NameRefused, match="name of an app") as caught:
        parse_new_app_name("potions")
    assert "platform itself" in caught.value.why


@pytest.mark.parametrize("name", ["anna", "a", "a.b_c-d", "a" * 40, "root2"])
def test_a_persons_name_is_taken_as_it_is(name: str) -> None:
    """A good name comes back unchanged."""
    assert parse_person_name(name) == name


@given(name=st.text(max_size=45))
def test_a_persons_name_is_plain_or_refused(name: str) -> None:
    """Nothing that looks like somebody else's, breaks a line, or stands in a path as something else."""
    try:
        assert re.fullmatch(r"[a-z][a-z0-9._-]{0,39}", parse_person_name(name))
    except NameRefused as error:
        assert "lower-case letters" in error.why


@pytest.mark.parametrize("name", ["", "a b", "(x)", "a" * 41, "-x", ".x", "tökn", "a\n", "a/b"])
def test_a_tokens_name_is_plain_or_refused(name: str) -> None:
    """It stands in histories beside its person's, and must not look like more than a name."""
    assert parse_token_name("Deploy-CI_2.0") == "Deploy-CI_2.0"
    with pytest.raises(NameRefused):
        parse_token_name(name)
