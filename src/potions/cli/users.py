"""`potions users`: who may sign in on the dashboard, and as what."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter
from rich.text import Text

from potions.cli.confirm import confirm_by_name
from potions.cli.connection import connect
from potions.cli.links import tell_link
from potions.cli.options import Json, Yes
from potions.cli.screen import new_table, print_json, sanitise, say, show, stderr
from potions.cli.units import age, until
from potions.schema import Person, Role

users = App(name="users", help="Invite, list and remove those who sign in on the dashboard.")

_Name = Annotated[
    str, Parameter(name="NAME", help="A letter, then lower-case letters, digits, '.', '_' and '-'; at most 40.")
]
_ROLES = "viewer: sees; deployer: also deploys, and works with variables and files; owner: everything."
_STYLES = {Role.OWNER: "green", Role.DEPLOYER: "cyan", Role.VIEWER: ""}


@users.command(name="list")
def list_users(*, json: Json = False) -> int:
    """List those who may sign in.

    For example:

        potions users list
    """
    with connect() as client:
        found = client.people()
    if json:
        print_json(found)
    elif found:
        _show(found)
    else:
        say("Nobody yet. Invite somebody: potions users invite NAME --role owner")
    return 0


@users.command
def invite(
    name: _Name,
    /,
    *,
    role: Annotated[Role, Parameter(name="--role", help=f"{_ROLES} At first: viewer.")] = Role.VIEWER,
    json: Json = False,
) -> int:
    """Invite somebody, by a one-time link that is good for 72 hours.

    Whoever opens it sets a password, and is signed in.

    For example:

        potions users invite anna --role owner
        potions users invite ben --role deployer
    """
    with connect() as client:
        link = client.invite(name, role)
        if json:
            print_json(link)
            return 0
        say(f"{link.name} is invited as {link.role}. Send them this link:")
        tell_link(client, link)
    return 0


@users.command(name="role")
def set_role(name: _Name, role: Annotated[Role, Parameter(name="ROLE", help=_ROLES)], /, *, json: Json = False) -> int:
    """Give somebody another role. Who becomes less is signed out.

    For example:

        potions users role ben owner
    """
    with connect() as client:
        person = client.set_role(name, role)
    if json:
        print_json(person)
    else:
        say(f"{person.name} is {person.role} now.")
    return 0


@users.command(name="link")
def new_link(name: _Name, /, *, json: Json = False) -> int:
    """Make a new one-time link for somebody: also for a lost password.

    Links of before lead nowhere any more. Nothing else ends until it is
    used; then all their sessions do.

    For example:

        potions users link anna
    """
    with connect() as client:
        link = client.invite_again(name)
        if json:
            print_json(link)
            return 0
        say(f"A link for {link.name}:")
        tell_link(client, link)
    return 0


@users.command
def remove(name: _Name, /, *, yes: Yes = False, json: Json = False) -> int:
    """Remove somebody, with their sessions and API tokens.

    What they did stays in the histories. Their name is asked for before.

    For example:

        potions users remove ben
    """
    with connect() as client:
        if not yes:
            count = sum(token.person == name for token in client.tokens())
            tokens = "one API token stops" if count == 1 else f"{count} API tokens stop"
            say(f"{sanitise(name)} can then sign in no more, and {tokens} working.", console=stderr())
            confirm_by_name(name, f"Removing {sanitise(name)}")
        gone = client.remove_person(name)
    if json:
        print_json(gone)
    else:
        say(f"{gone.name} is removed.")
    return 0


@users.command(name="sign-out")
def sign_out(name: _Name, /, *, json: Json = False) -> int:
    """End all sessions of somebody. API tokens stay.

    For example:

        potions users sign-out ben
    """
    with connect() as client:
        ended = client.end_sessions(name)
    if json:
        print_json(ended)
    else:
        say(f"{ended.sessions} {'session' if ended.sessions == 1 else 'sessions'} of {sanitise(name)} ended.")
    return 0


@users.command(name="codes-off")
def codes_off(name: _Name, /, *, json: Json = False) -> int:
    """Need no code of somebody who lost the device and the recovery codes.

    The password alone is enough then, until they turn codes on again. All
    their sessions end.

    For example:

        potions users codes-off ben
    """
    with connect() as client:
        client.reset_codes(name)
    if json:
        print_json({"name": name})
    else:
        say(f"{sanitise(name)} signs in without a code now.")
    return 0


def _show(found: list[Person]) -> None:
    table = new_table("NAME", "ROLE", "SIGNS IN WITH", "SEEN")
    for person in found:
        table.add_row(
            sanitise(person.name), Text(person.role.value, style=_STYLES[person.role]), _way(person), _seen(person)
        )
    show(table)


def _way(person: Person) -> str:
    if not person.joined:
        return "link sent" if person.invited_until else "link too old"
    return "password and code" if person.totp else "password"


def _seen(person: Person) -> str:
    if person.invited_until is not None:
        return f"link until {until(person.invited_until)}"
    return age(person.seen) if person.seen else "never"
