"""The API from outside: a token, plain HTTP through the proxy, and what does not get through."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from potions.schema import Role, TokenAccess, TokenCreate
from support.platform import Platform
from support.releases import as_tar_gz

Make = Callable[[TokenAccess, str | None], httpx.Client]


@pytest.fixture
def holder(potions: Platform) -> Iterator[Make]:
    """Makes clients of the API with a token of a deployer: ``holder(TokenAccess.WRITE, "gallery")``."""
    potions.client.invite("holder", Role.DEPLOYER)
    made = []

    def make(access: TokenAccess, app: str | None) -> httpx.Client:
        wanted = TokenCreate(f"t{len(made)}", access, app, person="holder")
        headers = {
            "Host": f"potions.localhost:{potions.http_port}",
            "Authorization": f"Bearer {potions.client.create_token(wanted).credential}",
        }
        made.append(httpx.Client(base_url=f"http://127.0.0.1:{potions.http_port}/api", headers=headers, timeout=60))
        return made[-1]

    yield make
    for client in made:
        client.close()
    potions.client.remove_person("holder")


def test_a_deploy_from_outside(potions: Platform, holder: Make, release: Callable[..., Path]) -> None:
    """An archive is sent, deployed and followed to its end as the documents say, and the history names the token."""
    potions.client.create_app("outside")
    archive, api = as_tar_gz(release("1")), holder(TokenAccess.WRITE, "outside")
    with archive.open("rb") as body:
        sent = api.post(
            "/apps/outside/releases",
            params={"source": "release.tar.gz"},
            content=iter(lambda: body.read(65_536), b""),
            headers={"Content-Type": "application/octet-stream"},
        )
    assert sent.status_code == 201, sent.text
    deployed = api.post("/apps/outside/deployments", json={"release": sent.json()["id"]})
    assert deployed.status_code == 202, deployed.text
    number = deployed.json()["number"]
    with api.stream("GET", f"/apps/outside/deployments/{number}/events", params={"follow": "true"}) as events:
        lines = [json.loads(line) for line in events.iter_lines() if line]
    assert lines
    assert potions.version("outside") == "1"
    assert api.get(f"/apps/outside/deployments/{number}").json()["by"] == "token t0 (holder)"


def test_a_token_opens_what_it_was_made_for(potions: Platform, holder: Make) -> None:
    """Nothing of another app, nothing that changes where it reads, and nothing about people."""
    for app in ("mine", "other"):
        potions.client.create_app(app)
    reads, writes = holder(TokenAccess.READ, None), holder(TokenAccess.WRITE, "mine")
    assert writes.get("/apps/mine").status_code == 200
    for path in ("/apps/other", "/apps/mine/../other", "/apps/mine/%2e%2e/other", "/people", "/audit", "/tokens"):
        assert writes.get(path).status_code in {403, 404}, path
    assert writes.delete("/apps/mine").status_code == 403
    assert reads.get("/apps/other").status_code == 200
    assert reads.post("/apps/mine/stop").status_code == 403
    assert {app.name for app in potions.client.apps()} == {"mine", "other"}


def test_two_credentials_are_none(holder: Make) -> None:
    """No part of the way picks one of them."""
    api = holder(TokenAccess.READ, None)
    good = api.headers.pop("Authorization")
    for second in (good, "Bearer pt_else"):
        answer = api.get("/apps", headers=[("Authorization", good), ("authorization", second)])
        assert (answer.status_code, answer.json()["code"]) == (401, "credential-refused")


def test_the_description_is_there_for_holders(potions: Platform, holder: Make) -> None:
    """As OpenAPI, with the routes as the agent has them; for nobody else."""
    api = holder(TokenAccess.READ, None)
    assert "/apps/{name}/deployments" in api.get("/schema").json()["paths"]
    stranger = httpx.get(f"{api.base_url}schema", headers={"Host": f"potions.localhost:{potions.http_port}"})
    assert stranger.status_code == 401
