"""`potions domains`: the names that an app answers at by HTTPS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter
from rich.text import Text

from potions.cli.confirm import confirm_by_name
from potions.cli.connection import connect
from potions.cli.options import AppWord, Json, Yes
from potions.cli.screen import new_table, print_json, sanitise, say, show, stderr, warn
from potions.cli.units import until
from potions.domain_names import shown_domain
from potions.errors import DomainUnknown
from potions.schema import (
    AppDomains,
    Certificate,
    CertificateState,
    DnsCheck,
    DomainEntry,
    DomainsChanged,
    HostOutcome,
    LostDomain,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

domains = App(name="domains", help="Give an app domains, with HTTPS by itself.")

_Domain = Annotated[str, Parameter(name="DOMAIN", help="As blog.example.com; other alphabets as they are written.")]

_STYLES = {
    CertificateState.VALID: "green",
    CertificateState.COMING: "cyan",
    CertificateState.FAILED: "bold red",
    CertificateState.EXPIRED: "bold red",
}


@domains.command(name="list")
def list_domains(app: AppWord, /, *, json: Json = False) -> int:
    """List an app's domains, with what DNS says and which certificate each has.

    For example:

        potions domains list blog
    """
    with connect() as client:
        found = client.domains(app, look=True)
    if json:
        print_json(found)
    else:
        _show(found)
    return 0


@domains.command
def add(
    app: AppWord,
    name: _Domain,
    /,
    *,
    skip_dns_check: Annotated[
        bool, Parameter(name="--skip-dns-check", help="Add it although DNS does not lead here yet.")
    ] = False,
    json: Json = False,
) -> int:
    """Have an app answer at a domain.

    Its DNS records are looked at first: they have to lead to this server. The
    first domain becomes the primary one, and sets the variable PHX_HOST.

    For example:

        potions domains add blog blog.example.com
    """
    with connect() as client:
        changed = client.add_domain(app, name, skip_dns_check=skip_dns_check)
    if json:
        print_json(changed)
        return 0
    warn(changed.warnings)
    say(
        f"{app} answers at https://{sanitise(shown_domain(changed.name))}, as soon as its certificate is there.",
        "bold green",
    )
    if changed.primary == changed.name:
        say("It is the primary domain.")
    _tell_host(app, changed)
    say(f"See how it fares: potions domains list {app}")
    return 0


@domains.command
def remove(app: AppWord, name: _Domain, /, *, yes: Yes = False, json: Json = False) -> int:
    """Take a domain away from an app. Its name is asked for before.

    Visitors who ask for it find nothing from then on. Where it was the
    primary one, the next one becomes it.

    For example:

        potions domains remove blog www.blog.example.com
    """
    with connect() as client:
        if not yes:
            _refuse_absent(client.domains(app), name)
            say(f"Visitors of {name} find nothing there from then on.", "bold", console=stderr())
            confirm_by_name(name, f"Removing {name}")
        changed = client.remove_domain(app, name)
    if json:
        print_json(changed)
        return 0
    say(f"{app} does not answer at {sanitise(changed.name)} any more.")
    if changed.primary:
        say(f"Its primary domain is {sanitise(changed.primary)}.")
    _tell_host(app, changed)
    return 0


@domains.command
def primary(app: AppWord, name: _Domain, /, *, json: Json = False) -> int:
    """Make one of an app's domains the primary: PHX_HOST says it.

    The others serve on.

    For example:

        potions domains primary blog www.blog.example.com
    """
    with connect() as client:
        changed = client.make_domain_primary(app, name)
    if json:
        print_json(changed)
        return 0
    say(f"The primary domain of {app} is {sanitise(changed.primary)}.", "bold green")
    _tell_host(app, changed)
    return 0


def lost_words(app: str, lost: Iterable[LostDomain]) -> list[str]:
    """What to say of domains that went to another app while this one was deleted."""
    return [
        f"{sanitise(one.shown)} went to {sanitise(one.app)} while {app} was deleted."
        if one.app
        else f"{sanitise(one.shown)} was taken while {app} was deleted, and is free again: "
        f"potions domains add {app} {one.name}"
        for one in lost
    ]


def _refuse_absent(found: AppDomains, domain: str) -> None:
    """Before anybody is asked whether it is meant. Raises DomainRefused, DomainUnknown."""
    # No page of help needs them.
    from difflib import get_close_matches

    from potions.domain_names import parse_domain_name

    name, there = parse_domain_name(domain), [entry.name for entry in found.domains]
    if name not in there:
        raise DomainUnknown(name, found.app, get_close_matches(name, there))


def _show(found: AppDomains) -> None:
    if not found.domains:
        _tell_none(found)
    else:
        table = new_table("DOMAIN", "", "DNS", "CERTIFICATE", fold=("DOMAIN", "DNS", "CERTIFICATE"))
        for entry in found.domains:
            table.add_row(sanitise(entry.shown), _role(entry), _dns(entry.dns), _certificate(entry.certificate))
        show(table)
    for line in [*_troubles(found), *lost_words(found.app, found.lost)]:
        say(line)


def _tell_none(found: AppDomains) -> None:
    if not found.on_server:
        say(f"{found.app} answers on this computer alone, at {sanitise(found.address)}. Domains are for a server.")
        return
    say(f"{found.app} has no domain yet.")
    if found.expected:
        say(f"Make a DNS record that leads here: {sanitise(' and '.join(found.expected))}")
    say(f"Then: potions domains add {found.app} DOMAIN")


def _role(entry: DomainEntry) -> str:
    if entry.automatic:
        return "by itself"
    return "primary" if entry.primary else ""


def _dns(check: DnsCheck | None) -> Text:
    if check is None:
        return Text("")
    return Text("leads here", style="green") if check.right else Text("does not lead here", style="bold red")


def _certificate(certificate: Certificate | None) -> Text:
    if certificate is None:
        return Text("")
    words = {
        CertificateState.VALID: f"until {until(certificate.until)}" if certificate.until else "valid",
        CertificateState.COMING: "being got",
        CertificateState.FAILED: "none",
        CertificateState.EXPIRED: "expired",
    }[certificate.state]
    by = f", {sanitise(certificate.issuer)}" if certificate.issuer else ""
    return Text(words + by, style=_STYLES[certificate.state])


def _troubles(found: AppDomains) -> list[str]:
    lines = []
    for entry in found.domains:
        if entry.dns is not None and not entry.dns.right:
            said = f" Found: {', '.join(entry.dns.found)}." if entry.dns.found else ""
            lines.append(f"{entry.shown}: {entry.dns.why}{said} {entry.dns.do}")
        if entry.certificate is not None and entry.certificate.failure:
            lines.append(f"{entry.shown}: no certificate at the last try: {entry.certificate.failure}")
    return [sanitise(line) for line in lines]


def _tell_host(app: str, changed: DomainsChanged) -> None:
    says = sanitise(changed.host_says)
    if changed.host is HostOutcome.CHANGED:
        say(f"PHX_HOST is {says} now. Let the app know: potions redeploy {app}")
    elif changed.host is HostOutcome.EDITED:
        say(f"PHX_HOST was set by somebody and stays. To change it: potions env set {app} PHX_HOST={says}")
    elif changed.host is HostOutcome.REMOVED:
        say(f"PHX_HOST was removed by somebody and stays away. To have it: potions env set {app} PHX_HOST={says}")
