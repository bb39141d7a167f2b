"""What became of each release: the deployments that ran it, and which archives are kept for another time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from potions.model.deployment import Kind, Release, Status
from potions.names import ReleaseId


class DeploymentBrief(msgspec.Struct, frozen=True):
    """One deployment of a release, in short."""

    number: int
    kind: Kind
    status: Status
    served: int | None
    """Which turn it had when it took the app's traffic, counted from 1; None while it never did."""


class ReleaseHistory(msgspec.Struct, frozen=True):
    """A release, and everything that was done with it."""

    release: Release
    pruned: bool
    """Its archive is not kept any more."""
    deployments: list[DeploymentBrief]
    """The newest first."""

    @property
    def served_last(self) -> DeploymentBrief | None:
        """The deployment by which the release took the traffic last."""
        served = [one for one in self.deployments if one.served is not None]
        return max(served, key=_turn, default=None)


def _turn(deployment: DeploymentBrief) -> int:
    return deployment.served or 0


def to_prune(
    history: Sequence[ReleaseHistory], keep: int, needed: Collection[ReleaseId], since: datetime
) -> list[Release]:
    """The releases whose archives are not kept any more, of all there are, the newest label first.

    ``keep`` of those that served stay, the last to serve first. One that never served stays while no later one did, so
    that a failed deploy can be tried again. Whatever these say, those in ``needed`` stay (what serves, what a rollback
    goes to, what waits), and those sent since the moment ``since``: they are about to be deployed.
    """
    kept = [one for one in history if not one.pruned]
    served = sorted((one for one in kept if one.served_last), key=_last_turn, reverse=True)
    newest_served = next((at for at, one in enumerate(kept) if one.served_last), len(kept))
    stays = {one.release.id for one in (*served[:keep], *kept[:newest_served])} | set(needed)
    return [one.release for one in kept if one.release.id not in stays and one.release.received < since]


def _last_turn(one: ReleaseHistory) -> int:
    return 0 if one.served_last is None else _turn(one.served_last)
