"""The floor of a deploy: the same archive by ``tar``, the same app started directly, asked until it answers well."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from bench.releases import Timed
from bench.stage import BenchBroken
from support.platform import free_port

_TIMEOUT = 60.0
#: How often a bench asks whether something answers: both the floor and the deploy, in seconds.
ASK_EVERY = 0.005


class Direct(NamedTuple):
    """One round without Potions; seconds."""

    unpack: float
    boot: float
    """From the start of the command to the first answer from 200 to 399."""


def start_directly(release: Timed, slot: Path, environment: Mapping[str, str]) -> Direct:
    """Unpack and start a release in ``slot``, which is made and removed, with a slot's environment."""
    slot.mkdir(parents=True)
    port = free_port()
    began = time.monotonic()
    subprocess.run(["tar", "xzf", str(release.archive), "-C", str(slot)], check=True)
    unpacked = time.monotonic()
    process = subprocess.Popen(
        ["/bin/sh", "-c", release.command],
        cwd=slot,
        env=_own(environment, port),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        first_good_answer(port, {"Host": "floor.localhost"}, lambda _answer: True)
        return Direct(unpacked - began, time.monotonic() - unpacked)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(slot)


def first_good_answer(
    port: int, headers: Mapping[str, str], is_it: Callable[[http.client.HTTPResponse], bool]
) -> float:
    """Ask every 5 ms until an answer from 200 to 399 passes ``is_it``; the unix time of its end."""
    deadline = time.monotonic() + _TIMEOUT
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT)
            connection.request("GET", "/", headers={**headers, "Connection": "close"})
            answer = connection.getresponse()
            answer.read()
            if 200 <= answer.status < 400 and is_it(answer):
                return time.time()
        except (OSError, http.client.HTTPException):
            pass  # not there yet
        finally:
            connection.close()
        time.sleep(ASK_EVERY)
    raise BenchBroken(f"no good answer on port {port} in {_TIMEOUT:g} s")


def _own(environment: Mapping[str, str], port: int) -> dict[str, str]:
    """A slot's environment for a process that is no part of a slot: its own port and node, and no mark of the slot."""
    own = {name: value for name, value in environment.items() if not name.startswith("POTIONS_")}
    if "RELEASE_NODE" in own:
        own["RELEASE_NODE"] = f"floor_{port}@127.0.0.1"
    return {**own, "PORT": str(port)}
