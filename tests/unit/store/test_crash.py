"""What must hold of the store after its process was killed in the middle of its work."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

from potions.model.deployment import Deployment, Kind, Status
from potions.secret import Sealer, new_key
from potions.store.store import Store

PROGRAM = Path(__file__).with_name("deploy_forever.py")


def deploy_until_killed(database: Path, key: bytes, lines: int) -> int:
    """Let it do ``lines`` deployments, kill it at whatever it does then, and return the last number it told."""
    command = [sys.executable, str(PROGRAM), str(database), key.hex()]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ) as program:
        assert program.stdout is not None
        told = [program.stdout.readline() for _line in range(lines)]
        program.kill()
        told += program.stdout.readlines()
    return int([line for line in told if line.endswith(b"\n")][-1])


def check_file(database: Path) -> None:
    connection = sqlite3.connect(database)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()


def check_deployment(store: Store, deployment: Deployment) -> None:
    """Every column says the same about how far it got."""
    steps = [(step.name, step.ended is not None) for step in store.steps(deployment.id)]
    ended = deployment.ended is not None
    assert ended == deployment.status.ended
    assert (deployment.failure is not None) == (deployment.status is Status.FAILED)
    if deployment.began is not None:
        assert deployment.slot is not None
        assert store.environment_of(deployment.id) == ({"NUMBER": str(deployment.number)}, {"PHX_HOST"})
    if deployment.status in (Status.SUCCEEDED, Status.ROLLED_BACK):
        assert deployment.began is not None
        assert steps == [("unpack", True), ("switch", True)]
    else:
        assert steps in ([], [("unpack", False)], [("unpack", True), ("switch", False)])
        assert not deployment.draining


def check_rollbacks(history: dict[int, Deployment]) -> None:
    """What a rollback replaced is rolled back exactly when the rollback succeeded."""
    replaced = {
        deployment.previous
        for deployment in history.values()
        if deployment.kind is Kind.ROLLBACK and deployment.status.ended and deployment.failure is None
    }
    assert {number for number, deployment in history.items() if deployment.status is Status.ROLLED_BACK} == replaced


def test_a_killed_process_leaves_whole_transactions(tmp_path: Path) -> None:
    """Killed at any moment: all that it had told is there, nothing is half done, and the next one goes on."""
    database, key = tmp_path / "agent.db", new_key()
    for lines in (1, 7, 12):
        told = deploy_until_killed(database, key, lines)
        check_file(database)
        store = Store.open(database, Sealer(key))
        (app,) = store.apps()
        history = {deployment.number: deployment for deployment in store.deployments(app.id)}
        assert sorted(history) == list(range(1, len(history) + 1))
        assert history[told].ended is not None
        assert len(store.unfinished()) <= 1
        assert len(store.draining()) <= 1
        for deployment in history.values():
            check_deployment(store, deployment)
        check_rollbacks(history)
        store.close()
