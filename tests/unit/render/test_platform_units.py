"""The units of the platform's own parts, and its firewall, as they are written."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from potions.layout import SERVER
from potions.render.firewall import render_firewall
from potions.render.platform_units import (
    FIREWALL_UNIT,
    render_firewall_unit,
    render_platform_units,
    render_run_entries,
)
from support.golden import check_golden, golden_cases

PYTHON = Path("/usr/local/lib/potions/0.1.0-1f2e3d4c5b6a/bin/python")


def _render(text: str) -> str:
    given = tomllib.loads(text)
    address = given.get("address", "http://potions.localhost:8480")
    units = {
        **render_platform_units(SERVER, python=PYTHON, dashboard_address=address),
        FIREWALL_UNIT: render_firewall_unit(SERVER),
        "potions-tmpfiles": render_run_entries(SERVER, SERVER.directories()),
    }
    return units[given["name"]]


@pytest.mark.parametrize("case", golden_cases("platform_unit"))
def test_a_unit_is_written_as_expected(case: str) -> None:
    """Each of them, whole."""
    check_golden("platform_unit", case, _render)


@pytest.mark.parametrize("case", golden_cases("firewall"))
def test_the_firewall_is_written_as_expected(case: str) -> None:
    """For the ports that SSH may come in by."""
    check_golden("firewall", case, lambda text: render_firewall(map(int, text.split())))


def test_every_unit_says_where_ones_own_additions_go() -> None:
    """In a folder of its own name, which an install never touches."""
    for name, text in render_platform_units(SERVER, python=PYTHON, dashboard_address="").items():
        assert f"{name}.d/own.conf" in text.splitlines()[0]
