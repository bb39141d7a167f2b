"""Which command runs: the manifest's, then the Procfile's, then the Mix release's own."""

from __future__ import annotations

import pytest

from potions.errors import ManifestRefused, NoStartCommand
from potions.model.plan import Manifest, ReleaseFiles
from potions.model.planning import MOST_WORKERS, Procfile, plan_run

_MIX = ReleaseFiles(mix_name="gallery", mix_migrate=True)


def test_the_manifest_comes_before_the_procfile_and_that_before_the_mix_release() -> None:
    """The first place that names a command counts."""
    procfile = Procfile(web="from procfile", release="procfile migrates")
    manifest = Manifest(start="from manifest", migrate="manifest migrates")
    plans = [plan_run(_MIX, manifest, procfile), plan_run(_MIX, Manifest(), procfile), plan_run(_MIX, Manifest(), None)]
    assert [(plan.start, plan.migrate) for plan in plans] == [
        ("from manifest", "manifest migrates"),
        ("from procfile", "procfile migrates"),
        ("bin/gallery start", "bin/migrate"),
    ]


def test_each_command_is_looked_for_on_its_own() -> None:
    """A manifest that only says how to start leaves the migration to the Procfile."""
    plan = plan_run(ReleaseFiles(), Manifest(start="a"), Procfile(web="b", release="c"))
    assert (plan.start, plan.migrate) == ("a", "c")


def test_a_mix_release_without_a_migrate_script_has_no_migration() -> None:
    """Only a script that is there is run."""
    assert plan_run(ReleaseFiles(mix_name="gallery"), Manifest(), None).migrate is None


def test_a_migrate_script_alone_makes_no_mix_release() -> None:
    """Any project can have a bin/migrate that means something else."""
    assert plan_run(ReleaseFiles(mix_migrate=True), Manifest(start="a"), None).migrate is None


@pytest.mark.parametrize("procfile", [None, Procfile(web="bin/gallery foreground")])
def test_a_mix_release_stays_one_however_it_is_started(procfile: Procfile | None) -> None:
    """It needs its node name and the platform's epmd in any case."""
    assert plan_run(_MIX, Manifest(), procfile).erlang
    assert not plan_run(ReleaseFiles(), Manifest(start="a"), None).erlang


def test_the_name_of_a_mix_release_cannot_become_a_command() -> None:
    """It comes from a file of the release, so it is quoted."""
    assert plan_run(ReleaseFiles(mix_name="a; reboot"), Manifest(), None).start == "'bin/a; reboot' start"


@pytest.mark.parametrize("procfile", [None, Procfile(), Procfile(release="migrate")])
def test_a_release_that_does_not_say_how_it_starts_is_refused(procfile: Procfile | None) -> None:
    """The error says what to put into it."""
    with pytest.raises(NoStartCommand) as refused:
        plan_run(ReleaseFiles(), Manifest(migrate="a", build="b"), procfile)
    assert "web: COMMAND" in refused.value.do


def test_a_release_cannot_take_the_whole_supervisor() -> None:
    """Fifty workers are many; five hundred would use up what the supervisor may open, for every other app too."""
    lines = {f"w{number}": "work" for number in range(MOST_WORKERS)}
    assert len(plan_run(ReleaseFiles(), Manifest(), Procfile(web="a", workers=lines)).workers) == MOST_WORKERS
    with pytest.raises(ManifestRefused, match="has 51 workers"):
        plan_run(ReleaseFiles(), Manifest(), Procfile(web="a", workers=lines | {"more": "work"}))
