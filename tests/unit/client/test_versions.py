"""Client and agent of different versions: which of the two is the older one, and how to bring it up to date."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from potions import API_LEVEL, __version__
from potions.client import Client, Elsewhere
from potions.client.versions import START_THIS_VERSION
from potions.errors import AgentOlder, InternalError, PotionsError, PotionsOlder
from support.versioned_agent import agent_of_version

THERE = Elsewhere("shop", "root@example.org")


@pytest.fixture(scope="module")
def older() -> Iterator[Path]:
    with agent_of_version("0.0.9", API_LEVEL - 1) as socket:
        yield socket


@pytest.fixture(scope="module")
def newer() -> Iterator[Path]:
    with agent_of_version("99.0", API_LEVEL + 1) as socket:
        yield socket


def _asked(socket: Path, path: str, kind: object, elsewhere: Elsewhere | None = None) -> PotionsError:
    with Client(socket, elsewhere=elsewhere) as client, pytest.raises(PotionsError) as caught:
        client._get(path, kind)  # type: ignore[arg-type]
    return caught.value


def test_every_answer_says_the_version(older: Path) -> None:
    """Also that to a route there is none of."""
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(older)), base_url="http://potions") as http:
        for path in ("/trash", "/apps/blog", "/no/such/route"):
            answer = http.get(path)
            assert answer.headers["Potions-Version"] == "0.0.9"
            assert answer.headers["Potions-Api-Level"] == str(API_LEVEL - 1)


@pytest.mark.parametrize(("path", "kind"), [("/no/such/route", int), ("/trash", int)])
def test_an_older_agent(older: Path, path: str, kind: object) -> None:
    """What it does not know or says otherwise is told as such, with what brings it up to date."""
    error = _asked(older, path, kind, THERE)
    assert isinstance(error, AgentOlder)
    assert error.what == f"The agent on shop is older (0.0.9) than this potions ({__version__})."
    assert error.do == "Upgrade it with: potions server add root@example.org"
    assert path in error.why or kind is int
    here = _asked(older, path, kind)
    assert here.what == f"The agent here is older (0.0.9) than this potions ({__version__})."
    assert here.do == START_THIS_VERSION


@pytest.mark.parametrize("elsewhere", [THERE, None])
@pytest.mark.parametrize(("path", "kind"), [("/no/such/route", int), ("/trash", int)])
def test_a_newer_agent(newer: Path, path: str, kind: object, elsewhere: Elsewhere | None) -> None:
    """Then it is this potions that is to be brought up to date."""
    error = _asked(newer, path, kind, elsewhere)
    where = "on shop" if elsewhere else "here"
    assert isinstance(error, PotionsOlder)
    assert error.what == f"This potions ({__version__}) is older than the agent {where} (99.0)."
    assert error.do == "Bring it up to date: pip install -U potions"


@pytest.mark.parametrize("level", [API_LEVEL - 1, API_LEVEL + 1])
def test_what_both_understand_works(older: Path, newer: Path, level: int) -> None:
    """Another version alone is no reason to refuse anything, and an error that is known stays what it is."""
    with Client(older if level < API_LEVEL else newer) as client:
        assert client.trash() == []
        with pytest.raises(PotionsError, match="There is no app called blog") as caught:
            client.app("blog")
        assert caught.value.code == "app-unknown"


def test_the_same_version(tmp_path: Path) -> None:
    """An answer that does not fit is a mistake then, and no version's."""
    with agent_of_version(__version__, API_LEVEL) as socket:
        error = _asked(socket, "/trash", int)
    assert isinstance(error, InternalError)


@pytest.mark.parametrize(("version", "older"), [("0.0.10", True), ("0.1.0rc1", False), ("0.10.0", False), ("", True)])
def test_versions_are_compared_by_their_numbers(version: str, older: bool) -> None:
    """Where the API is the same: 0.10 is newer than 0.9."""
    from potions.client.versions import _numbers

    assert (_numbers(version) < _numbers(__version__)) is older
