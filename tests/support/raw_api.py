"""The agent's API as bytes: what a program sends that does not use our client, which refuses much by itself."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import httpx

from support.platform import Platform


class Told(NamedTuple):
    """A refusal: the status, the error's code, and everything it says."""

    status: int
    code: str
    text: str


def ask(potions: Platform, method: str, path: str, body: Any = None) -> httpx.Response:
    """One request over the agent's socket. ``body`` is sent as JSON, or as it is where it is bytes."""
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    transport = httpx.HTTPTransport(uds=str(potions.home.agent_socket))
    with httpx.Client(transport=transport, base_url="http://potions", timeout=60) as http:
        return http.request(method, path, content=content, headers={"Content-Type": "application/json"})


def refused(potions: Platform, method: str, path: str, body: Any = None) -> Told:
    """A request that has to be refused, by an error and not by an accident."""
    answer = ask(potions, method, path, body)
    assert 400 <= answer.status_code < 500, f"{method} {path}: {answer.status_code} {answer.text}"
    return Told(answer.status_code, answer.json()["code"], answer.text)
