"""Names of domains, parsed once at the edge: what was pasted instead of one is refused with what was probably meant."""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

import idna

from potions.errors import DomainRefused
from potions.names import DomainName

#: What DNS takes, in characters.
DOMAIN_MAX = 253
LABEL_MAX = 63

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?\Z")
_PORT = re.compile(r"(.+):[0-9]{0,5}\Z")
_CREDENTIALS = re.compile("//[^/]*@")
_RULE = "A domain is two or more parts with dots between them, as blog.example.com."


def parse_domain_name(text: str) -> DomainName:
    """Return ``text`` as a domain: lower-cased, other alphabets as punycode. Raises DomainRefused."""
    _refuse_other_things(text)
    name = _as_punycode(text)
    _refuse_bad_parts(text, name)
    return DomainName(name)


def shown_domain(name: str) -> str:
    """A domain for people: in its own alphabet where it has one, with what stands for it in DNS beside it."""
    if "xn--" not in name:
        return name
    try:
        return f"{idna.decode(name)} ({name})"
    except idna.IDNAError:
        return name


def _refuse_other_things(text: str) -> None:
    """What people paste where a domain is asked for."""
    if not text or text.isspace():
        raise _refused(text, "It is empty.")
    if text != text.strip():
        raise _refused(text, "There are spaces around it.", text.strip())
    if "://" in text:
        raise _refused(text, "It is an address of a page, not a domain alone.", _host_of(text))
    if "/" in text or "?" in text or "#" in text:
        raise _refused(text, "A path does not belong to a domain.", re.split("[/?#]", text)[0])
    if "@" in text:
        raise _refused(text, "It looks like an e-mail address.", text.rpartition("@")[2])
    if is_address(text.strip("[]")):
        raise _refused(text, "It is an IP address. Certificates, and names of apps, need a domain.")
    if port := _PORT.match(text):
        raise _refused(text, "A port does not belong to a domain; it is served on 443.", port[1])
    if "*" in text:
        raise DomainRefused(
            f"{_short(text)!r} cannot be a domain of an app.",
            why="It is a wildcard, whose certificate needs access to your DNS provider.",
            do="Add each name by itself. A name below which every app answers: potions server install --wildcard",
        )
    if "_" in text:
        raise _refused(text, "A host name has no '_'; only other records of DNS do.", text.replace("_", "-"))
    if text.endswith("."):
        raise _refused(text, "The dot at the end belongs to DNS.", text.rstrip("."))


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_address(text: str) -> bool:
    """Whether it is an IP address, of version 4 or 6."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _as_punycode(text: str) -> str:
    if text.isascii():
        return text.lower()
    try:
        return idna.encode(text, uts46=True).decode().lower()
    except idna.IDNAError as error:
        raise _refused(text, f"DNS has no way to write it: {error}.") from None


def _refuse_bad_parts(text: str, name: str) -> None:
    labels = name.split(".")
    if name == "localhost" or labels[-1] == "localhost":
        raise _refused(text, "It always is the computer that asks, so nobody else would come here by it.")
    if any(not label for label in labels):
        raise _refused(text, f"One of its parts is empty. {_RULE}")
    if len(name) > DOMAIN_MAX or any(len(label) > LABEL_MAX for label in labels):
        raise _refused(text, f"A domain has at most {DOMAIN_MAX} characters, and each part of it {LABEL_MAX}.")
    if any(not _LABEL.match(label) for label in labels):
        raise _refused(text, "Each part has letters, digits and '-', and no '-' at its ends.")
    if len(labels) == 1:
        raise _refused(text, f"It has no dot, so it is no name that the Internet's DNS knows. {_RULE}")
    if labels[-1].isdigit():
        raise _refused(text, "The last part of a domain is no number.")
    if any(label.startswith("xn--") and not _is_punycode(label) for label in labels):
        raise _refused(text, "One of its parts begins with xn--, and stands for nothing.")


def _is_punycode(label: str) -> bool:
    try:
        idna.decode(label)
    except idna.IDNAError:
        return False
    return True


def _refused(text: str, why: str, meant: str = "") -> DomainRefused:
    do = ""
    if meant and meant != text:
        # What was meant may have more wrong with it; it is suggested only where it would be taken.
        try:
            do = f"Did you mean {parse_domain_name(meant)}?"
        except DomainRefused:
            do = ""
    return DomainRefused(f"{_short(text)!r} cannot be a domain of an app.", why=why, do=do)


def _short(text: str) -> str:
    """Without a password, which the address of a page may have in it."""
    plain = _CREDENTIALS.sub("//", text)
    return plain if len(plain) <= 60 else plain[:57] + "..."
