"""The log of who did what: everything that changes something is in it, and no secret ever."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from potions.client import Behalf
from potions.errors import NoRoom, PotionsError
from potions.model.access import Role
from potions.schema import AuditEntry, InvitationAccept, SignIn, TokenAccess, TokenCreate, VariablesChange
from support.doors import PASSWORD, Doors

Told = tuple[str, str, str, str, str]


def newest(doors: Doors, count: int = 1) -> list[Told]:
    """The last entries, the oldest of them first, without time and place."""
    return [(one.who, one.act, one.app, one.detail, one.outcome) for one in doors.own.audit(count)][::-1]


def test_a_change_is_written_down(doors: Doors) -> None:
    """Who, how, from where, what, of which app: names only."""
    name, client = doors.person(Role.DEPLOYER)
    client.change_variables("blog", VariablesChange(set={"ONE": "hidden-1", "TWO": "hidden-2"}))
    client.change_variables("blog", VariablesChange(set={"ONE": "hidden-3"}, unset=["TWO"]))
    assert newest(doors, 2) == [
        (name, "change variables", "blog", "added ONE, TWO", "ok"),
        (name, "change variables", "blog", "changed ONE; removed TWO", "ok"),
    ]
    entry: AuditEntry = doors.own.audit(1)[0]
    assert (entry.way, entry.address) == ("dashboard", "192.0.2.7")


def test_what_the_command_line_does_is_written_down(doors: Doors) -> None:
    """As done by the system user."""
    doors.own.make_stored_folder("blog", f"f{secrets.token_hex(4)}/ü")
    entry = doors.own.audit(1)[0]
    assert (entry.who, entry.way, entry.act, entry.app) == (doors.own.caller().name, "cli", "make folder", "blog")
    assert entry.detail.endswith("/ü")


def test_a_look_at_values_is_written_down(doors: Doors) -> None:
    """And at contents of files; a look at names is not."""
    name, client = doors.person(Role.DEPLOYER)
    before = doors.own.audit(1)[0].id
    client.variables("blog")
    client.stored_folder("blog")
    client.variables("blog", reveal=False)
    assert doors.own.audit(1)[0].id == before
    client.variables("blog", reveal=True)
    client.variable("blog", "SECRET_KEY_BASE")
    client.export_variables("blog")
    with suppress(PotionsError), client.get_stored_file("blog", "nothing") as _:
        pass
    assert newest(doors, 4) == [
        (name, "reveal variables", "blog", "", "ok"),
        (name, "reveal variable", "blog", "SECRET_KEY_BASE", "ok"),
        (name, "export variables", "blog", "", "ok"),
        (name, "get file", "blog", "nothing", "stored-unknown"),
    ]


def test_a_refusal_is_written_down(doors: Doors) -> None:
    """Of a look, too."""
    name, client = doors.person(Role.VIEWER)
    token = doors.token(client, TokenAccess.READ, "blog")
    for call in (client.people, lambda: client.delete_app("blog"), lambda: token.app("shop")):
        with pytest.raises(PotionsError):
            call()
    refused = newest(doors, 3)
    assert [(act, app, outcome) for _, act, app, _, outcome in refused] == [
        ("GET /people", "", "role-needed"),
        ("delete app", "blog", "role-needed"),
        ("GET /apps/{name}", "shop", "token-limited"),
    ]
    assert refused[2][0].endswith(f"({name})")


def test_signing_in_is_written_down(doors: Doors) -> None:
    """Failed ones by name where somebody has it: people type passwords into the wrong field."""
    name, _ = doors.person(Role.VIEWER)
    at = doors.web.speaking_for(Behalf(address=f"203.0.113.{secrets.randbelow(250)}"))
    at.sign_in(SignIn(name, PASSWORD))
    for who in (name, "my-secret-password"):
        with pytest.raises(PotionsError):
            at.sign_in(SignIn(who, "a wrong password"))
    assert newest(doors, 3) == [
        (name, "sign in", "", "", "ok"),
        (name, "sign in", "", "", "sign-in-refused"),
        ("somebody", "sign in", "", "", "sign-in-refused"),
    ]
    assert doors.own.audit(1)[0].address.startswith("203.0.113.")


def test_a_stranger_fills_nothing(doors: Doors) -> None:
    """Who is not signed in and asks for something else than that leaves no line."""
    before = doors.own.audit(1)[0].id
    for method, path in (("GET", "/apps"), ("DELETE", "/apps/blog"), ("POST", "/sessions"), ("POST", "/invitations/x")):
        doors.raw(method, path, [])
        doors.raw(method, path, [("Authorization", "Bearer ps_none")])
    assert doors.own.audit(1)[0].id == before


def test_the_log_can_be_asked_by_app_and_person(doors: Doors) -> None:
    """With what a person's tokens did, and page by page."""
    name, client = doors.person(Role.OWNER)
    similar, other = doors.person(Role.OWNER, f"{name[:8].replace('_', 'x')}_{secrets.token_hex(2)}")
    token = doors.token(client, TokenAccess.WRITE)
    token.change_variables("shop", VariablesChange(set={"A": "1"}))
    other.change_variables("blog", VariablesChange(set={"A": "1"}))
    client.change_variables("blog", VariablesChange(set={"A": "2"}))
    about = [(one.act, one.app) for one in doors.own.audit(person=name)]
    assert about == [
        ("change variables", "blog"),
        ("change variables", "shop"),
        ("create token", ""),
        ("use link", ""),
    ]
    assert [one.who for one in doors.own.audit(app="blog", limit=2)] == [name, similar]
    first = doors.own.audit(2)
    assert doors.own.audit(2, before=first[-1].id)[0].id < first[-1].id


def test_a_place_that_is_none_is_not_written(doors: Doors) -> None:
    """What stands in the header is for people to read: no line breaks, no novels."""
    client = doors.web.speaking_for(Behalf(doors.person(Role.OWNER)[1]._http.headers["authorization"][7:]))
    for place, kept in (("x" * 65, ""), ("::1", "::1")):
        client._http.post("/people", headers={"Potions-From": place}, json={"name": "X", "role": "viewer"})
        assert doors.own.audit(1)[0].address == kept


def test_what_cannot_be_written_down_is_not_shown(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look is refused then. What was done is answered as done, for that is what it is."""
    _, client = doors.person(Role.DEPLOYER)

    def full(**_: object) -> None:
        raise NoRoom("The disk is full.")

    monkeypatch.setattr(doors.service.context.store, "write_audit", full)
    with pytest.raises(NoRoom):
        client.variable("blog", "SECRET_KEY_BASE")
    answer = client._http.get("/apps/blog/variables?reveal=true")
    assert (answer.status_code, "hidden-value" in answer.text) == (507, False)
    assert client.change_variables("blog", VariablesChange(set={"FULL": "1"})).added == ["FULL"]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=12, max_size=60))
def test_no_secret_is_written_down(doors: Doors, text: str) -> None:
    """Passwords, values, codes, links and tokens: whatever they are, none is in the table; in no outcome either."""
    secret = f"{secrets.token_hex(6)}{text}"
    link = doors.own.invite(f"s{secrets.token_hex(6)}", Role.DEPLOYER)
    told = [link.token, secret]
    client = doors.web
    calls: list[Callable[[], object]] = [
        lambda: doors.web.invitation(secret),
        lambda: doors.web.accept_invitation(secret, InvitationAccept(secret, secret, secret)),
        lambda: doors.web.sign_in(SignIn(secret, secret, secret)),
        lambda: doors.web.sign_in(SignIn(str(link.name), secret, secret)),
        lambda: doors.own.change_variables("blog", VariablesChange(set={"A": secret})),
        lambda: doors.own.change_variables("blog", VariablesChange(dotenv=f"A='{secret}'")),
        lambda: doors.own.variable("blog", "A"),
        lambda: doors.own.export_variables("blog"),
        lambda: told.append(
            doors.own.create_token(TokenCreate(f"t{secrets.token_hex(4)}", person=link.name)).credential
        ),
        lambda: client.speaking_for(Behalf(secret)).apps(),
    ]
    for call in calls:
        with suppress(PotionsError):
            call()
    with doors.service.context.store._database.reading() as connection:
        rows = "\n".join(str(row) for row in connection.exec_driver_sql("SELECT * FROM audit"))
    assert [one for one in told if one in rows or one[:20] in rows] == []


def test_every_request_has_its_own_entry(doors: Doors) -> None:
    """Also when many come at the same time."""
    name, client = doors.person(Role.DEPLOYER)
    threads = [
        threading.Thread(target=client.change_variables, args=("shop", VariablesChange(set={f"N{number}": "1"})))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    details = {one.detail for one in doors.own.audit(person=name) if one.act == "change variables"}
    assert details == {f"added N{number}" for number in range(8)}
