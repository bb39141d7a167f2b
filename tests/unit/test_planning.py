"""A release's files are read and lead to what runs."""

from __future__ import annotations

import pytest

from potions.errors import ManifestRefused, NoStartCommand, ProcfileRefused, ReservedVariable
from potions.model.plan import ReleaseFiles
from potions.planning import read_plan


def test_the_manifest_and_the_procfile_are_read_together() -> None:
    """Each gives what the other one lacks."""
    plan = read_plan(ReleaseFiles(manifest='[build]\ncommand = "make"\n[deploy]\nkeep = 3', procfile="web: serve"))
    assert (plan.start, plan.build, plan.manifest.keep) == ("serve", "make", 3)


@pytest.mark.parametrize(
    ("files", "error"),
    [
        (ReleaseFiles(), NoStartCommand),
        (ReleaseFiles(manifest="", procfile=""), NoStartCommand),
        (ReleaseFiles(manifest="x = 1", procfile="web: a"), ManifestRefused),
        (ReleaseFiles(manifest='[run]\nstart = "a"', procfile="worker a"), ProcfileRefused),
        (ReleaseFiles(manifest="[processes.mails]\noptional = true", procfile="web: a"), ManifestRefused),
        (ReleaseFiles(manifest='[env]\nSTORAGE_DIR = "x"', procfile="web: a"), ReservedVariable),
    ],
)
def test_a_mistake_in_either_file_is_told(files: ReleaseFiles, error: type[Exception]) -> None:
    """A file that loses is read all the same: what is in it is never ignored."""
    with pytest.raises(error):
        read_plan(files)
