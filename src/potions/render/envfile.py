"""The environment file of a slot: ``NAME=value`` entries, each closed by a NUL, so that any value fits."""

from __future__ import annotations

from collections.abc import Mapping


def render_environment(environment: Mapping[str, str]) -> bytes:
    """The file's bytes, sorted by name. Names and values were parsed before: no NUL, and no '=' in a name."""
    return b"".join(f"{name}={environment[name]}\0".encode() for name in sorted(environment))


def parse_environment(content: bytes) -> dict[str, str]:
    """What ``render_environment`` wrote."""
    entries = content.decode().split("\0")[:-1]
    return dict(_split(entry) for entry in entries)


def _split(entry: str) -> tuple[str, str]:
    name, _, value = entry.partition("=")
    return name, value
