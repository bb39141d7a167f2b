"""The documents say what the code does: generated pages are up to date, and what is written by hand is complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scripts.docs import PAGES, ROOT, text_of

from potions import manifest
from potions.cli.main import build
from potions.flows.deploy import deploy
from potions.flows.step import PointOfNoReturn
from potions.model.plan import Manifest

DOCS = ROOT / "docs"
WRITTEN = sorted(
    {
        *DOCS.rglob("*.md"),
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/README.md")),
    }
)
_TOML = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#:\s]*)(#[^)\s]*)?\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_EXAMPLE = re.compile(r"For example:\n\n    (?:sudo )?potions ")
_COMMAND = re.compile(r"^(?:\$ )?(?:sudo )?potions ((?:[a-z]+(?:-[a-z]+)* ?)+)", re.MULTILINE)
_FENCED = re.compile(r"^```[a-z]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_generated_pages_are_up_to_date(page: Path) -> None:
    """Whoever changes a command, an error or a row also runs `make docs`."""
    assert page.exists() and page.read_text() == text_of(page), f"{page.relative_to(ROOT)} is old; run: make docs"


def test_every_command_has_an_example_in_the_reference() -> None:
    """Only the section of a group of commands does without."""
    sections = re.split(r"^#+ potions ", (DOCS / "cli.md").read_text(), flags=re.MULTILINE)[1:]
    names = [section.splitlines()[0] for section in sections]
    groups = {name for name in names if any(other.startswith(f"{name} ") for other in names)}
    without = {name for name, text in zip(names, sections, strict=True) if not _EXAMPLE.search(text)}
    assert names and without == groups


def test_the_manifest_reference_has_every_key() -> None:
    """Every key that is taken has its row, and so has every one that is refused as not available yet."""
    text = (DOCS / "potions-toml.md").read_text()
    rows = set(re.findall(r"^\| `(?:\[([a-zA-Z.]+)\] )?([a-z_]+)` \|", text, re.MULTILINE))
    taken = {(table, key) for table, keys in manifest._KEYS.items() for key in keys} | {("", "app")}
    taken |= {("processes.NAME", key) for key in manifest._PROCESS_KEYS}
    later = {(table, key) for table, keys in manifest._NOT_YET.items() for key in keys}
    assert taken == rows
    assert [key for key in later if "`[{}] {}`".format(*key) not in text] == []


def _examples() -> list[tuple[str, str]]:
    found = [(page, example) for page in WRITTEN for example in _TOML.findall(page.read_text())]
    return [(f"{page.name}-{number}", example) for number, (page, example) in enumerate(found)]


@pytest.mark.parametrize("example", [pytest.param(text, id=name) for name, text in _examples()])
def test_every_manifest_in_the_documents_is_taken(example: str) -> None:
    """An example that is refused would be worse than none."""
    manifest.parse_manifest(example)


def test_the_manifest_reference_shows_every_key_in_an_example() -> None:
    """Taken together, the examples of the reference set every field of a manifest to something."""
    examples = [manifest.parse_manifest(text) for text in _TOML.findall((DOCS / "potions-toml.md").read_text())]
    assert examples
    defaults = Manifest()
    unset = [
        name
        for name in Manifest.__struct_fields__
        if all(getattr(example, name) == getattr(defaults, name) for example in examples)
    ]
    assert unset == []


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file that exists, and a heading in it where it names one."""
    broken = []
    for target, anchor in _LINK.findall(page.read_text()):
        path = (page.parent / target) if target else page
        if not path.exists() or (anchor and anchor[1:] not in _anchors(path)):
            broken.append(f"{target}{anchor}")
    assert broken == []


def _anchors(page: Path) -> set[str]:
    """The names that headings are linked by: lower case, spaces as hyphens, without other signs."""
    headings = _HEADING.findall(page.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_commands_in_the_documents_exist(page: Path) -> None:
    """Whoever types what a block of a page shows meets no unknown command."""
    app = build()
    typed = {words for block in _FENCED.findall(page.read_text()) for words in _COMMAND.findall(block)}
    assert [words for words in typed if not _is_command(app, words.split())] == []


def _is_command(app: object, words: list[str]) -> bool:
    names = set(app)  # type: ignore[call-overload]
    if words[0] not in names:
        return False
    group = app[words[0]]  # type: ignore[index]
    subcommands = {name for name in group if not name.startswith("-")}
    return not subcommands or (len(words) > 1 and words[1] in subcommands)


def test_the_architecture_page_has_every_step_of_a_deploy() -> None:
    """In its order, with an undo where the code has one, and the point of no return in bold."""
    section = (DOCS / "architecture.md").read_text().partition("\n## A deploy\n")[2].partition("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("| ")
    ]
    flow = deploy()
    steps = [*flow.steps, *flow.after]
    shown = [f"**{step.name}**" if isinstance(step, PointOfNoReturn) else step.name for step in steps]
    assert [(name, bool(undo)) for name, _, undo in rows[2:]] == [
        (name, step.undo is not None) for name, step in zip(shown, steps, strict=True)
    ]


def test_the_index_has_every_page() -> None:
    """The README leads to every page of the documents."""
    readme = (ROOT / "README.md").read_text()
    pages = [page.relative_to(ROOT).as_posix() for page in DOCS.rglob("*.md")]
    assert [page for page in pages if f"({page})" not in readme] == []
