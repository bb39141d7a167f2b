"""`potions tokens`: what programs ask with that are not the command line or a browser."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from potions.cli.confirm import confirm_by_name
from potions.cli.connection import connect
from potions.cli.options import Json, Yes
from potions.cli.screen import new_table, print_json, sanitise, say, show, stderr
from potions.cli.units import age, until
from potions.errors import TokenNotFound
from potions.schema import Token, TokenAccess, TokenCreate

tokens = App(name="tokens", help="Make, list and revoke API tokens.")

_Days = Annotated[
    int | None,
    Parameter(name="--days", validator=Number(gte=1, lte=3650), help="For so many days; left out: for good."),
]


@tokens.command(name="list")
def list_tokens(*, json: Json = False) -> int:
    """List the API tokens, without their secrets.

    For example:

        potions tokens list
    """
    with connect() as client:
        found = client.tokens()
    if json:
        print_json(found)
    elif found:
        _show(found)
    else:
        say("No token yet. Make one: potions tokens create NAME")
    return 0


@tokens.command
def create(
    name: Annotated[str, Parameter(name="NAME", help="What it is for: letters, digits, '.', '_' and '-'.")],
    /,
    *,
    app: Annotated[str | None, Parameter(name="--app", help="For this app alone; left out: for all.")] = None,
    write: Annotated[bool, Parameter(name="--write", help="It may what a deployer may; left out: a viewer.")] = False,
    days: _Days = None,
    person: Annotated[
        str | None, Parameter(name="--person", help="Whose it is; left out: the owner's, where there is one.")
    ] = None,
    json: Json = False,
) -> int:
    """Make an API token. Its secret is printed once, and never again.

    It belongs to a person, and never may more than they may now.

    For example:

        potions tokens create deploy-ci --app blog --write --days 90
        potions tokens create status-page --person anna
    """
    access = TokenAccess.WRITE if write else TokenAccess.READ
    with connect() as client:
        made = client.create_token(TokenCreate(name, access, app, days, person))
    if json:
        print_json(made)
        return 0
    # The secret alone on standard output: it can be piped to where it belongs.
    say(
        f"A token of {made.token.person} that may {access.value}, for {_apps(made.token)}, {_end(made.token)}.",
        console=stderr(),
    )
    say("It is shown only now. It is sent as: Authorization: Bearer TOKEN", console=stderr())
    say(made.credential, "bold")
    return 0


@tokens.command
def revoke(
    which: Annotated[int, Parameter(name="ID", help="As in: potions tokens list")],
    /,
    *,
    yes: Yes = False,
    json: Json = False,
) -> int:
    """Revoke a token: what asks with it is refused from then on.

    For example:

        potions tokens revoke 3
        potions tokens revoke 3 --yes
    """
    with connect() as client:
        if not yes:
            found = next((token for token in client.tokens() if token.id == which), None)
            if found is None:
                raise TokenNotFound
            used = f"used {age(found.used)}" if found.used else "never used"
            say(f"{found.name} ({found.first}…) of {found.person}, {used}.", console=stderr())
            confirm_by_name(found.name, f"Revoking {found.name}")
        gone = client.revoke_token(which)
    if json:
        print_json(gone)
    else:
        say(f"{gone.name} of {gone.person} is revoked.")
    return 0


def _show(found: list[Token]) -> None:
    table = new_table("ID", "NAME", "BEGINS", "PERSON", "MAY", "APPS", "USED", "UNTIL", fold=("NAME", "PERSON", "APPS"))
    for token in found:
        used = age(token.used) if token.used else "never"
        end = until(token.expires) if token.expires else "for good"
        cells = (
            str(token.id),
            token.name,
            f"{token.first}…",
            token.person,
            token.access.value,
            _apps(token),
            used,
            end,
        )
        table.add_row(*map(sanitise, cells))
    show(table)


def _apps(token: Token) -> str:
    if token.app is None:
        return "all apps"
    return f"{token.app} (deleted)" if token.app_deleted else token.app


def _end(token: Token) -> str:
    return f"until {until(token.expires)}" if token.expires else "for good"
