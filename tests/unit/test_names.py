"""Names are parsed once, and refused with their rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potions.errors import NameRefused, ReservedVariable, VariableRefused
from potions.names import (
    APP_NAME_MAX,
    ENV_VALUE_MAX_BYTES,
    parse_app_name,
    parse_env_name,
    parse_env_value,
    parse_label_or_number,
    parse_release_id,
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
