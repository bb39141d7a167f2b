"""Ports, processes and HTTP checks behind the network port."""

from __future__ import annotations

from collections.abc import Callable, Collection

import httpx

from potions.flows.ports import Answer
from potions.host import listeners, processes
from potions.layout import AppTree, Colour

#: A health answer that takes longer than this counts as none; the next try follows.
_ANSWER_TIMEOUT = 10.0


class Network:
    """The computer's own network, as its kernel tells it."""

    def __init__(self) -> None:
        # One client for all checks: making one reads every certificate authority of the system, 50 ms of work.
        self._http = httpx.Client(timeout=_ANSWER_TIMEOUT, verify=False, trust_env=False)  # noqa: S501 - plain HTTP

    def is_port_free(self, port: int) -> bool:
        return processes.is_port_free(port)

    def holder_of(self, port: int) -> str:
        listener = processes.listener_on(port)
        return str(listener) if listener else ""

    def processes_of(self, tree: AppTree, colour: Colour) -> set[int]:
        return processes.slot_processes(tree.root, colour)

    def family_of(self, pid: int) -> set[int]:
        return processes.family_of(pid) if pid else set()

    def end_processes(
        self, tree: AppTree, colour: Colour, grace: float, cut_short: Callable[[], bool] = processes.never
    ) -> Collection[int]:
        return processes.end_processes(lambda: processes.slot_processes(tree.root, colour), grace, cut_short)

    def listening(self, pids: Collection[int]) -> list[tuple[str, int]]:
        return sorted(listeners.listening(pids))

    def get(self, port: int, path: str, host: str) -> Answer | None:
        # As the proxy asks: an app that forces TLS must not send the check away for being asked over http.
        headers = {"Host": host, "X-Forwarded-Proto": "https", "X-Forwarded-For": "127.0.0.1", "Connection": "close"}
        try:
            with self._http.stream("GET", f"http://127.0.0.1:{port}{path}", headers=headers) as answer:
                return Answer(answer.status_code)
        except httpx.HTTPError:
            return None
