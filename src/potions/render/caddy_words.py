"""Words of a Caddyfile."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[A-Za-z0-9_./*@:+,=-]+\Z")


def quote(text: str) -> str:
    """A word of a Caddyfile; a quote inside is escaped, a backslash stands for itself."""
    if _PLAIN.match(text):
        return text
    return '"' + text.replace('"', '\\"') + '"'
