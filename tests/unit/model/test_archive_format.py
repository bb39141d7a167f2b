"""Which links stay inside of a release."""

from __future__ import annotations

import pytest

from potions.model.archive_format import link_leaves

Parts = tuple[str, ...]


@pytest.mark.parametrize(
    "folder, target, links",
    [
        ((), "a", {}),
        ((), ".", {}),
        (("a",), "..", {}),
        (("a", "b"), "../../c/./d", {}),
        ((), "up/x", {("up",): "a/b"}),
        ((), "up/../x", {("up",): "a/b"}),
    ],
)
def test_a_link_that_stays_inside_is_found_to(folder: Parts, target: str, links: dict[Parts, str]) -> None:
    """Going up is fine as long as it never goes above the top."""
    assert not link_leaves(folder, target, links)


@pytest.mark.parametrize(
    "folder, target, links",
    [
        ((), "/etc", {}),
        ((), "..", {}),
        (("a",), "../..", {}),
        ((), "a/../../a", {}),
        ((), "a/top/..", {("a", "top"): ".."}),
        ((), "one", {("one",): "two", ("two",): "../x"}),
        ((), "one", {("one",): "/etc"}),
        ((), "one", {("one",): "two", ("two",): "one"}),
    ],
)
def test_a_link_that_leads_out_is_found_to(folder: Parts, target: str, links: dict[Parts, str]) -> None:
    """By its own text, through other links, or round and round."""
    assert link_leaves(folder, target, links)
