"""Writes the commented ``potions.toml`` of a proposal."""

from __future__ import annotations

import re
import textwrap

from potions.project.proposal import Proposal, Setting

_WIDTH = 78
_HEAD = "What Potions needs to know. Its docs/potions-toml.md describes every key."
_NO_HEALTH = (
    "Not known: a path that answers with 200 once the app can serve. While none is set, any answer below 500 at / "
    "is good."
)
_SHIPPED = (
    "What a release brings in its own storage/ cannot lie where the persistent directory has to be. "
    '"discard" leaves it behind, "seed" copies what the persistent one does not have yet, "refuse" is the default. '
    "It brings: {names}"
)
#: What a basic string of TOML cannot hold as it is.
_UNSAFE = re.compile('[\x00-\x08\x0a-\x1f\x7f\\\\"]')
_UNSAFE_IN_LINES = re.compile('[\x00-\x08\x0a-\x1f\x7f\\\\]|"(?="")')
_SHORT = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}


def manifest_text(proposal: Proposal, app: str, health: tuple[str, str] | None, shipped: tuple[str, ...] = ()) -> str:
    """The file's text. ``health`` is a path and the file that has its route; ``shipped`` what lies in ``storage``."""
    parts = [
        _comment(_HEAD) + _key("app", (app,)),
        _table("build", {"command": proposal.build}),
        _table("run", {"start": proposal.start, "migrate": proposal.migrate}),
        _table("health", {"path": _health(health)}),
        _table("env", {name: Setting((value,)) for name, value in proposal.env.items()}),
    ]
    if shipped:
        why = _SHIPPED.format(names=", ".join(shipped))
        parts.append(_table("storage", {"shipped": Setting(why=why, example="seed")}))
    return "\n".join(part for part in parts if part)


def _health(found: tuple[str, str] | None) -> Setting:
    if found is None:
        return Setting(why=_NO_HEALTH, example="/health")
    return Setting((found[0],), f"Its route is in {found[1]}.")


def _table(name: str, settings: dict[str, Setting]) -> str:
    """A table with its keys; a comment as a whole where nothing in it has a value; nothing where it has no keys."""
    said = {key: setting for key, setting in settings.items() if setting.value or setting.why or setting.example}
    if not said:
        return ""
    lines = "".join(_setting(key, setting) for key, setting in said.items())
    return f"[{name}]\n{lines}"


def _setting(key: str, setting: Setting) -> str:
    comment = _comment(setting.why) if setting.why else ""
    if setting.value:
        return comment + _key(key, setting.value)
    return comment + (f"# {_key(key, (setting.example,))}" if setting.example else "")


def _comment(text: str) -> str:
    # What comes out of a project's files must not end the comment.
    harmless = re.sub(r"[\x00-\x1f\x7f]", "?", text.encode("utf-8", "backslashreplace").decode())
    lines = textwrap.wrap(harmless, _WIDTH - 2, break_on_hyphens=False, break_long_words=False)
    return "".join(f"# {line}\n" for line in lines)


def _key(key: str, value: tuple[str, ...]) -> str:
    if len(value) == 1:
        return f'{key} = "{_UNSAFE.sub(_escaped, value[0])}"\n'
    steps = " &&\n".join(f"  {_UNSAFE_IN_LINES.sub(_escaped, step)}" for step in value)
    return f'{key} = """\n{steps}\n"""\n'


def _escaped(found: re.Match[str]) -> str:
    return _SHORT.get(found[0], f"\\u{ord(found[0]):04x}")
