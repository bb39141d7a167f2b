"""The rules about variables: which the platform makes, what a slot runs with, and what a rollback brings back."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec

from potions.layout import Colour
from potions.model.variable import Liveness

#: Automatic variables whose values are no secret: shown in lists, and left alone in output.
AUTO_PLAIN = frozenset({"PORT", "STORAGE_DIR", "PHX_HOST", "PHX_SERVER", "MIX_ENV"})

#: Every variable the platform makes by itself.
AUTO_NAMES = AUTO_PLAIN | {"SECRET_KEY_BASE"}

#: What only the platform sets, and what it sets first: no secret either, and paths that ordinary output is full of.
_PLATFORM_PLAIN = frozenset(
    {
        "PATH",
        "HOME",
        "LANG",
        "USER",
        "LOGNAME",
        "SHELL",
        "POTIONS_APP",
        "POTIONS_SLOT",
        "POTIONS_PROCESS",
        "POTIONS_DIR",
        "RELEASE_NODE",
        "RELEASE_DISTRIBUTION",
        "ERL_EPMD_ADDRESS",
        "ERL_EPMD_PORT",
        "ERL_CRASH_DUMP",
    }
)

#: With "true" a node that finds no epmd starts one of its own from its slot. Without the second, nodes accept
#: other nodes on every address of the machine, with nothing but the cookie in between.
_ERLANG_FLAGS = "-start_epmd {own} -kernel inet_dist_use_interface {{127,0,0,1}}"


def is_plain(name: str) -> bool:
    """Whether the value of a variable may be seen by everybody who sees the app's output."""
    return name in AUTO_PLAIN or name in _PLATFORM_PLAIN


def new_automatic_values(secret_key_base: str, host: str) -> dict[str, str]:
    """The automatic variables that are saved with a new app, and that a person may edit or delete.

    ``secret_key_base`` is 64 random bytes as text, made by the caller; ``host`` is the name the app answers at. PORT
    and STORAGE_DIR are not among them: those are made for each slot, every time.
    """
    return {"SECRET_KEY_BASE": secret_key_base, "PHX_HOST": host, "PHX_SERVER": "true", "MIX_ENV": "prod"}


class SlotPlace(msgspec.Struct, frozen=True):
    """Where a slot runs and as whom: what the platform itself knows for its environment. Paths are absolute."""

    app: str
    colour: Colour
    port: int
    directory: str
    """The app's directory."""
    storage: str
    home: str
    """HOME of the app and of its builds."""
    account: str
    """The system user's name."""
    search_path: str
    """PATH, where neither the manifest nor a person sets one."""
    epmd_port: int | None = None
    """The port of the epmd of an Erlang release; None for any other app."""
    own_epmd: bool = False
    """Whether the slot's node starts that epmd itself; else the platform has."""


def slot_environment(place: SlotPlace, *, defaults: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    """Everything a slot's processes find in their environment; nothing else reaches them.

    ``defaults`` are the manifest's ``[env]``; ``variables`` the saved ones, with the automatic ones as they are now (so
    one that a person deleted is not there). Later ones win: the base, defaults, variables, then what only the platform
    sets. For an Erlang release the base includes flags of the runtime, and the rest its node's name.
    """
    return {**_base(place), **_erlang_base(place), **defaults, **variables, **_locked(place), **_erlang(place)}


def node_name(app: str, colour: Colour, worker: str = "") -> str:
    """The Erlang node of a slot's ``web``, or of a worker in it: two with one name end each other.

    Erlang allows '-' in it, and app names have no '_', so no two slots share one.
    """
    return f"{app}_{colour.value}{f'_{worker}' if worker else ''}@127.0.0.1"


def process_variables(process: str) -> dict[str, str | None]:
    """What tells the processes of a slot apart: ``web``, ``build``, ``migrate``, or a worker's own (see below)."""
    return {"POTIONS_PROCESS": process}


def worker_variables(place: SlotPlace, worker: str) -> dict[str, str | None]:
    """What one worker finds that ``web`` does not: its own name, also as a node. No PORT, which is web's alone."""
    own = process_variables(f"worker.{worker}") | {"PORT": None}
    if place.epmd_port is None:
        return own
    return own | {"RELEASE_NODE": node_name(place.app, place.colour, worker)}


def _base(place: SlotPlace) -> dict[str, str]:
    return {
        "PATH": place.search_path,
        "HOME": place.home,
        "LANG": "C.UTF-8",
        "USER": place.account,
        "LOGNAME": place.account,
        "SHELL": "/bin/sh",
    }


def _locked(place: SlotPlace) -> dict[str, str]:
    return {
        "PORT": str(place.port),
        "STORAGE_DIR": place.storage,
        "POTIONS_APP": place.app,
        "POTIONS_SLOT": place.colour.value,
        "POTIONS_DIR": place.directory,
    }


def _erlang_base(place: SlotPlace) -> dict[str, str]:
    return {} if place.epmd_port is None else {"ERL_AFLAGS": _ERLANG_FLAGS.format(own=str(place.own_epmd).lower())}


def _erlang(place: SlotPlace) -> dict[str, str]:
    if place.epmd_port is None:
        return {}
    return {
        "RELEASE_NODE": node_name(place.app, place.colour),
        "RELEASE_DISTRIBUTION": "name",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(place.epmd_port),
        "ERL_CRASH_DUMP": f"{place.home}/erl_crash.dump",
    }


def differences(saved: Mapping[str, str], live: Mapping[str, str]) -> dict[str, Liveness]:
    """How every variable that is saved, or that the live slot runs with, relates to the other side. Sorted by name."""
    return {name: _liveness(saved.get(name), live.get(name)) for name in sorted({*saved, *live})}


def _liveness(saved: str | None, live: str | None) -> Liveness:
    if saved is None:
        return Liveness.REMOVED
    return Liveness.LIVE if saved == live else Liveness.SAVED


def environment_of_then(
    then: Mapping[str, str], then_automatic: Collection[str], today: Mapping[str, str], today_automatic: Collection[str]
) -> dict[str, str]:
    """The variables a rollback runs with: those of then, and every automatic one as it is today.

    A variable that was automatic then and is a person's own today, or was deleted since, keeps the value of then. One
    that was a person's own then keeps it too. An automatic one that did not exist then is added.
    """
    current = automatic_of_then(then, then_automatic, today_automatic)
    return {**then, **{name: today[name] for name in current if name in today}}


def automatic_of_then(
    then: Collection[str], then_automatic: Collection[str], today_automatic: Collection[str]
) -> frozenset[str]:
    """Which of ``environment_of_then`` are still automatic; the rest are values of then."""
    return frozenset(name for name in today_automatic if name in then_automatic or name not in then)
