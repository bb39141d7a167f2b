"""The units of the apps: when each starts, and what it is walled in by."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from potions.layout import SERVER, Colour
from potions.model.service import Account, Limits, Service, slot_service, task_service, worker_service
from potions.render.systemd import render_unit, sandbox, starting_marker, unit_name
from support.golden import check_golden, golden_cases

#: Few letters, so that names often begin or end alike.
_NAMES = st.text("ab-", max_size=6).map(lambda middle: f"a{middle}b")


def _service(name: str, **fields: Any) -> Service:
    app, dot, rest = name.partition(".")
    tree = SERVER.app(app)
    colour = Colour(rest.partition(".")[0]) if dot else Colour.BLUE
    return Service(
        name=name,
        command="exec python3 -m gallery; echo 'a command'",
        directory=tree.slot(colour) if dot else Path("/"),
        env_file=tree.env_file(colour) if dot else SERVER.epmd / "environment",
        log_file=tree.output_log(colour),
        account=Account(name="deploy", uid=991, gid=992, switch=True),
        app_directory=tree.root if dot else None,
        **{"stop_timeout": 30.0, "restart": True, **fields},
    )


def _render(text: str) -> str:
    fields = tomllib.loads(text)
    version = fields.pop("version", 252)
    limits = msgspec.convert(fields.pop("limits", {}), Limits)
    return render_unit(SERVER, _service(limits=limits, **fields), version=version)


@pytest.mark.parametrize("case", golden_cases("unit"))
def test_a_unit_is_rendered_as_its_golden_file_says(case: str) -> None:
    """One file a case."""
    check_golden("unit", case, _render)


def test_a_unit_has_no_command_and_no_value_in_it() -> None:
    """systemd expands ``%`` and ``$`` and would show both to everybody on the computer."""
    assert "a command" not in render_unit(SERVER, _service("gallery.blue"), version=252)


def test_a_one_shot_has_the_same_walls_as_the_slot_that_it_runs_in() -> None:
    """What a build runs comes from others than the app's author, more than anything else does."""
    assert sandbox(_service("gallery.blue", restart=False)) == sandbox(_service("gallery.blue"))


def test_no_app_holds_up_a_shutdown_for_longer_than_ten_minutes() -> None:
    """systemd waits for every unit; what the agent itself stops has all the time that its manifest gives it."""
    assert "\nTimeoutStopSec=600s\n" in render_unit(SERVER, _service("a.blue", stop_timeout=86_400.0), version=252)


@given(_NAMES, _NAMES, st.sampled_from(Colour), st.sampled_from(Colour), _NAMES)
def test_no_two_services_share_a_unit(one: str, other: str, colour: Colour, second: Colour, process: str) -> None:
    """Whatever the apps and their workers are called: ``blog`` with a worker ``blue`` is not ``blog-blue-worker``."""
    names = {
        *(slot_service(app, shade) for app in (one, other) for shade in (colour, second)),
        *(worker_service(app, shade, process) for app in (one, other) for shade in (colour, second)),
        *(task_service(app, shade, "migrate") for app in (one, other) for shade in (colour, second)),
        "agent",
    }
    assert len({unit_name(name) for name in names}) == len(names)
    assert len({starting_marker(SERVER, name) for name in names}) == len(names)
