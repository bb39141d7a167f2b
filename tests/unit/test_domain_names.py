"""What must hold of names of domains."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potions.domain_names import parse_domain_name, shown_domain
from potions.errors import DomainRefused


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("blog.example.com", "blog.example.com"),
        ("Blog.EXAMPLE.com", "blog.example.com"),
        ("example.co.uk", "example.co.uk"),
        ("a.b", "a.b"),
        ("3d.example", "3d.example"),
        ("a--b.example", "a--b.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        (f"{'a' * 63}.example", f"{'a' * 63}.example"),
    ],
)
def test_a_domain_is_taken_in_lower_case_and_as_dns_has_it(text: str, name: str) -> None:
    """Other alphabets become punycode; what is right stays as it is."""
    assert parse_domain_name(text) == name


@pytest.mark.parametrize(
    ("text", "why", "meant"),
    [
        ("", "empty", ""),
        (" ", "empty", ""),
        (" blog.example.com", "spaces", "blog.example.com"),
        ("https://Blog.example.com/x?y#z", "address of a page", "blog.example.com"),
        ("http://me:secret@blog.example.com:8080/", "address of a page", "blog.example.com"),
        ("https://", "address of a page", ""),
        ("blog.example.com/path", "path", "blog.example.com"),
        ("blog.example.com:443", "port", "blog.example.com"),
        ("me@example.com", "e-mail", "example.com"),
        ("192.0.2.7", "IP address", ""),
        ("192.0.2.7:80", "port", ""),
        ("2001:db8::1", "IP address", ""),
        ("[2001:db8::1]", "IP address", ""),
        ("*.example.com", "wildcard", ""),
        ("my_blog.example.com", "no '_'", "my-blog.example.com"),
        ("blog.example.com.", "dot at the end", "blog.example.com"),
        ("localhost", "computer that asks", ""),
        ("blog.localhost", "computer that asks", ""),
        ("blog", "no dot", ""),
        ("blog..example.com", "empty", ""),
        (".example.com", "empty", ""),
        ("-blog.example.com", "no '-' at its ends", ""),
        ("blog-.example.com", "no '-' at its ends", ""),
        ("bl og.example.com", "letters, digits", ""),
        ("blog.example.com\n", "spaces", "blog.example.com"),
        ("blog\0.example.com", "letters, digits", ""),
        (f"{'a' * 64}.example", "at most 253", ""),
        (".".join(["abc"] * 64), "at most 253", ""),
        ("1.2.3.400", "no number", ""),
        ("blog.example.42", "no number", ""),
        ("xn--0.example", "stands for nothing", ""),
        ("a\u2028b.example", "no way to write it", ""),
    ],
)
def test_what_is_no_domain_is_refused_with_what_was_meant(text: str, why: str, meant: str) -> None:
    """A suggestion only where that would be taken; and no password is repeated in it."""
    with pytest.raises(DomainRefused) as refused:
        parse_domain_name(text)
    assert why in refused.value.why
    assert "secret" not in str(refused.value)
    if "wildcard" not in why:
        assert refused.value.do == (f"Did you mean {meant}?" if meant else "")


def test_a_domain_is_shown_in_its_own_alphabet() -> None:
    """With what stands in DNS beside it: two that look alike can be told apart."""
    assert shown_domain("blog.example.com") == "blog.example.com"
    assert shown_domain("xn--bcher-kva.example") == "bücher.example (xn--bcher-kva.example)"


@given(st.text(max_size=80))
def test_whatever_is_typed_is_a_domain_or_refused_in_words(text: str) -> None:
    """What is taken has nothing in it that means something to a configuration, and is taken again as it is."""
    try:
        name = parse_domain_name(text)
    except DomainRefused as refused:
        assert refused.why
        return
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-")
    assert parse_domain_name(name) == name
