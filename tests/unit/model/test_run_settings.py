"""What the Settings tab says of a release: each value, where it comes from, and what would count without it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potions.manifest import parse_manifest
from potions.model.plan import Manifest, ReleaseFiles
from potions.model.planning import Procfile, plan_run
from potions.model.run_settings import Origin, Setting, duration, settings_of, workers_of

MIX = ReleaseFiles(mix_name="shop", mix_migrate=True)


def _settings(text: str, procfile: Procfile | None = None, files: ReleaseFiles | None = None) -> dict[str, Setting]:
    plan = plan_run(files or ReleaseFiles(), parse_manifest(text), procfile)
    return {f"{one.table}.{one.key}": one for one in settings_of(plan)}


def test_without_a_manifest_everything_but_the_command_is_a_default() -> None:
    """The command has to come from somewhere."""
    found = _settings("", Procfile(web="run"))
    assert (found.pop("run.start").origin, found["deploy.keep"].value) == (Origin.PROCFILE, "10")
    assert {one.origin for one in found.values()} == {Origin.DEFAULT}


def test_what_the_manifest_says_is_told_beside_what_would_count_without_it() -> None:
    """As people write it there."""
    found = _settings(
        '[run]\nstart = "a"\n[health]\nstatus = "204"\n[deploy]\ndrain = "90s"\nstandby = "10m"\nkeep = 3\n'
    )
    assert found["run.start"] == Setting("run", "start", "a", Origin.MANIFEST)
    assert found["health.status"] == Setting("health", "status", "204", Origin.MANIFEST, "any below 500")
    assert found["deploy.drain"] == Setting("deploy", "drain", "90s", Origin.MANIFEST, "30s")
    assert found["deploy.standby"].value == "10m"
    assert found["deploy.keep"].default == "10"


def test_the_drain_of_a_hand_over_is_shorter_by_default() -> None:
    """Visitors wait for it."""
    found = _settings('[run]\nstart = "a"\n[deploy]\nstrategy = "handover"\n')
    assert found["deploy.drain"] == Setting("deploy", "drain", "5s", Origin.DEFAULT, "5s")
    assert found["deploy.strategy"].origin is Origin.MANIFEST


def test_a_mix_release_has_its_commands_by_itself() -> None:
    """Unless a Procfile names others."""
    own, named = _settings("", None, MIX), _settings("", Procfile(web="bin/shop eval 1 && bin/shop start"), MIX)
    assert [own[key].origin for key in ("run.start", "run.migrate")] == [Origin.MIX_RELEASE] * 2
    assert named["run.start"].origin is Origin.PROCFILE


@pytest.mark.parametrize("command", ["it's one", "'", 'a "', "$(", "bin/x start\n"])
def test_any_command_can_be_shown(command: str) -> None:
    """Whatever the shell would say to it."""
    assert _settings("", Procfile(web=command), MIX)["run.start"].value == command


def test_a_worker_says_where_it_comes_from() -> None:
    """The Procfile's line, or a table that says more about it."""
    manifest = parse_manifest('[processes.mails]\ncommand = "m"\nstart = "with-web"\noptional = true\n')
    plan = plan_run(ReleaseFiles(), manifest, Procfile(web="w", workers={"clock": "c"}))
    clock, mails = workers_of(plan)
    assert (clock.name, clock.origin, clock.start) == ("clock", Origin.PROCFILE, "after-switch")
    assert (mails.command, mails.origin, mails.start, mails.optional) == ("m", Origin.MANIFEST, "with-web", True)


@given(st.floats(min_value=0.001, max_value=86_400))
def test_a_duration_reads_as_the_same_time_in_a_manifest(seconds: float) -> None:
    """To a millionth."""
    text = parse_manifest(f'[deploy]\nstop_timeout = "{duration(round(seconds, 3))}"')
    assert text.stop_timeout == pytest.approx(seconds, rel=1e-3, abs=1e-3)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (30, "30s"), (60, "1m"), (90, "90s"), (7200, "2h"), (0.5, "500ms")]
)
def test_a_duration_has_the_largest_whole_unit(seconds: float, text: str) -> None:
    """As a person would write it."""
    assert duration(seconds) == text
    assert duration(Manifest().stop_timeout) == "30s"
