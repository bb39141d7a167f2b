"""Foreign text made harmless: what an app printed or named only shows, in a terminal as on a page."""

from __future__ import annotations

import re

# None of them reads over where another could begin: a line of nothing but beginnings would take its length squared.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x90\x98\x9c-\x9f]*(?:\x07|\x1b\\|\x9c)"  # OSC: titles
    r"|\x1b[ -/]*[0-~]"
)
#: Control characters, and those that turn the direction of what follows or break lines; lone surrogates.
_UNSAFE = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def sanitise(text: str) -> str:
    """``text`` as one line that a terminal only shows: sequences dropped, other control characters spelt out."""
    return spell_out(_SEQUENCE.sub("", text))


def spell_out(text: str) -> str:
    """``text`` as one harmless line that lacks nothing: every control character as an escape, ``\\n`` for one."""
    return _UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text)
