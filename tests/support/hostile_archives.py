"""Archives that mean harm, or only seem to: the usual corpora, member by member, for whichever format can express them.

``UNSAFE`` has to be refused. ``HARMLESS`` looks like it, and has to arrive as it is.
"""

from __future__ import annotations

import tarfile

import pytest

from potions.model.archive_format import ARCHIVE_SUFFIXES
from support.archives import archive_of, file, folder, hard_link, link, member

Member = tuple[tarfile.TarInfo, bytes]

#: Directories of 247 letters and a link beside each, as CVE-2025-4517 has them: where a path is longer than the system
#: takes, `realpath` gives up half way, and what trusts it writes through the links.
_DEEP = ["d" * 247] * 16
_TOO_LONG_FOR_REALPATH = [
    *(folder("/".join(_DEEP[:depth])) for depth in range(1, 17)),
    *(link("/".join([*_DEEP[:depth], "abcdefghijklmnop"[depth]]), "d" * 247) for depth in range(16)),
    link("/".join([*"abcdefghijklmnop", "l" * 254]), "/".join([".."] * 16)),
]

UNSAFE: dict[str, list[Member]] = {
    # Names
    "absolute name": [file("/etc/potions")],
    "name absolute twice": [file("//etc/potions")],
    "parent": [file("../outside/new")],
    "parent in the middle": [file("a/../../outside/new")],
    "parent that would stay inside": [file("a/../b")],
    "parent at the end": [folder("a"), folder("a/..")],
    "parent directory": [folder("..")],
    "parent of the parent": [file("./.././../outside/new")],
    "NUL in a name": [file("x", pax_headers={"path": "a\0b"})],
    "no name": [file("x", pax_headers={"path": ""})],
    "the release as a file": [file("x", pax_headers={"path": "./"}, type=tarfile.CONTTYPE)],
    "long name": [file("n" * 256)],
    # What is no file, directory or link
    "character device": [member("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)],
    "block device": [member("disk", type=tarfile.BLKTYPE, devmajor=8)],
    "named pipe": [member("pipe", type=tarfile.FIFOTYPE)],
    "unknown type": [member("odd", type=b"Z")],
    "sparse file": [
        file("s", b"1", pax_headers={"GNU.sparse.major": "0", "GNU.sparse.map": "0,1", "GNU.sparse.size": "1"})
    ],
    # Links
    "absolute link": [link("l", "/etc/passwd")],
    "link out": [link("l", "../outside")],
    "link to the directory around": [link("l", "..")],
    "link out from a folder": [link("d/l", "../../outside/kept")],
    "link out after stripping": [file("app/x"), link("app/l", "../outside")],
    "link without a target": [link("l", "")],
    "link with a target too long": [link("l", "x/" * 2048)],
    "link that takes too long to follow": [link("l", "./" * 1000 + "x")],
    "link to itself": [link("l", "l")],
    "links that lead out together": [folder("a/b"), link("a/b/top", "../.."), link("l", "a/b/top/../outside")],
    "links that lead out, later first": [link("l", "a/b/top/../outside"), folder("a/b"), link("a/b/top", "../..")],
    "links in a circle": [link("a", "b"), link("b", "a")],
    "a chain of 42 links": [file("l0"), *(link(f"l{number + 1}", f"l{number}") for number in range(42))],
    "links longer than realpath takes": _TOO_LONG_FOR_REALPATH,
    # What would be written through a link
    "file below a link": [folder("d"), link("l", "d"), file("l/f")],
    "file below a link that leaves": [link("l", "../outside"), file("l/new")],
    "file below a link below a link": [link("a", "b"), link("b", "../outside"), file("a/new")],
    "file over a link that leaves": [file("d/f"), link("l", "../outside/kept"), link("m", "l"), file("m/x")],
    "directory below a link": [folder("d"), link("l", "d"), folder("l/e")],
    "directory over a link": [folder("d"), link("l", "d"), folder("l")],
    "link over a directory": [file("d/f"), link("d", "x")],
    "link over an empty directory": [folder("d"), link("d", "../outside"), file("d/new")],
    "link below a link": [link("l/m", "x"), link("l", "d"), folder("d")],
    # Members that collide
    "directory over a file": [file("a"), folder("a")],
    "file below a file": [file("a"), file("a/b")],
    "file over a directory": [folder("a"), file("a")],
    "link over a file": [file("a"), file("b"), link("a", "b"), file("a/c")],
    # Hard links
    "hard link out": [hard_link("h", "../outside/kept")],
    "absolute hard link": [hard_link("h", "/etc/passwd")],
    "hard link to a link": [link("l", "x"), hard_link("h", "l")],
    "hard link to a link that leaves": [link("l", "../outside/kept"), hard_link("h", "l"), file("h", b"new")],
    "hard link below a link": [folder("d"), file("d/f"), link("l", "d"), hard_link("h", "l/f")],
    "hard link to a directory": [folder("d"), hard_link("h", "d")],
    "hard link to nothing": [hard_link("h", "nothing")],
    "hard link to itself": [hard_link("h", "h")],
    "hard link to a later file": [hard_link("h", "f"), file("f")],
    "hard link to the release": [hard_link("h", ".")],
}

HARMLESS = [
    "~/.ssh/authorized_keys",
    "...",
    "..hidden",
    "a/..b/c..",
    "back\\slash\\..\\x",
    "C:/windows/system32",
    "CON",
    "-rf",
    "$(reboot)",
    "new\nline",
    "\x1b[31mred",
    "name ",
    " name",
    "a//b/./c",
    "README",
    "readme",
    "caf\u00e9",
    "cafe\u0301",
    "latin\udce9",
    ".git/config",
    "n" * 255,
]


def every_format(cases: dict[str, list[Member]]) -> list[object]:
    """Each case in each format that can express it, as parameters ``members, suffix`` of a test."""
    return [
        pytest.param(members, suffix, id=f"{name}-{suffix}")
        for name, members in cases.items()
        for suffix in ARCHIVE_SUFFIXES
        if _can_express(members, suffix)
    ]


def _can_express(members: list[Member], suffix: str) -> bool:
    try:
        archive_of(members, suffix)
    except ValueError:
        return False
    return True
