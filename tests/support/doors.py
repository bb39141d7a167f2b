"""The agent's two real sockets over a service in which nothing runs, and people who come through them."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from potions.agent.app import listen, make_server
from potions.client import Behalf, Client
from potions.layout import Home
from potions.model.access import Role
from potions.model.app import Ports
from potions.names import AppName
from potions.schema import InvitationAccept, TokenAccess, TokenCreate
from potions.service import Service
from support.bare_home import bare_home
from support.platform import wait_for
from support.still_service import still_service

PASSWORD = "correct horse battery"


@dataclass
class Doors:
    """``own`` comes through the socket with all rights, ``web`` through the other, on nobody's behalf."""

    home: Home
    service: Service
    own: Client
    web: Client

    def person(self, role: Role, name: str | None = None) -> tuple[str, Client]:
        """Somebody new who is signed in: the name, and a client that asks for them."""
        link = self.own.invite(name or f"p{secrets.token_hex(6)}", role)
        signed_in = self.web.accept_invitation(link.token, InvitationAccept(PASSWORD))
        return signed_in.person.name, self.for_credential(signed_in.credential)

    def for_credential(self, credential: str) -> Client:
        return self.web.speaking_for(Behalf(credential, "192.0.2.7", "Test/1.0"))

    def token(self, client: Client, access: TokenAccess, app: str | None = None) -> Client:
        """A client that asks with a new token of whoever ``client`` asks for."""
        made = client.create_token(TokenCreate(f"t{secrets.token_hex(6)}", access, app))
        return self.for_credential(made.credential)

    def app(self, name: str) -> None:
        """An app that nothing of runs."""
        context = self.service.context
        first = 4000 + 2 * len(context.store.apps())
        made = context.store.create_app(AppName(name), lambda _taken: Ports(first), {"SECRET_KEY_BASE": "hidden-value"})
        context.trees.create(context.tree(made))

    def raw(self, method: str, path: str, headers: list[tuple[str, str]], door: str = "web") -> httpx.Response:
        """A request as somebody may send it who does not use our client."""
        socket = self.home.web_socket if door == "web" else self.home.agent_socket
        with httpx.Client(
            transport=httpx.HTTPTransport(uds=str(socket), verify=False), base_url="http://potions"
        ) as http:
            return http.request(method, path, headers=headers)


@contextmanager
def open_doors() -> Iterator[Doors]:
    """Both sockets, answered by the agent's own server until the block ends."""
    with bare_home() as home, still_service(home) as service:
        server, sockets = make_server(service), listen(home)
        thread = threading.Thread(target=server.run, kwargs={"sockets": sockets})
        thread.start()
        wait_for(lambda: server.started, "the agent answers")
        with Client(home.agent_socket) as own, Client(home.web_socket) as web:
            yield Doors(home, service, own, web)
        server.should_exit = True
        thread.join()
        for one in sockets:
            one.close()
