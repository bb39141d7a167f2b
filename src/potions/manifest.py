"""Reads ``potions.toml``. Every mistake is an error that names the key, and a misspelt key gets a suggestion."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

import msgspec

from potions.errors import ManifestRefused, NameRefused
from potions.model.plan import DRAIN, Health, Manifest, Process, Shipped, Strategy, WorkerStart
from potions.model.service import Limits
from potions.names import parse_app_name, parse_env_name, parse_env_value, parse_process_name

_FILE = "potions.toml"

_KEYS: Mapping[str, frozenset[str]] = {
    "run": frozenset({"start", "migrate", "console"}),
    "build": frozenset({"command"}),
    "health": frozenset({"path", "status", "timeout"}),
    "deploy": frozenset({"strategy", "drain", "standby", "stop_timeout", "keep"}),
    "storage": frozenset({"shipped"}),
    "limits": frozenset({"memory", "cpu", "tasks"}),
}
#: The keys of a table of ``[processes]``.
_PROCESS_KEYS = frozenset({"command", "start", "optional"})
_PROCESSES = "processes"
_TABLES = frozenset({*_KEYS, _PROCESSES, "env"})

_NOT_YET: Mapping[str, frozenset[str]] = {
    "storage": frozenset({"publish", "quota"}),
}

_DAY = 86_400.0
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h)\Z", re.ASCII)
_STATUS = re.compile(r"(\d{3})(?:-(\d{3}))?\Z", re.ASCII)
_PATH = re.compile(r"/[^\s{\x00-\x1f\x7f]*\Z")
_LINE = re.compile(r"at line (\d+)")
_KEEP_MAX = 1000
_SIZES = {"MB": 1000**2, "GB": 1000**3, "TB": 1000**4}
_SIZE = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) ?(MB|GB|TB)\Z", re.ASCII)
_PERCENT = re.compile(r"(\d{1,6})%\Z", re.ASCII)
_MEMORY_MIN, _MEMORY_MAX = 16 * _SIZES["MB"], 16 * _SIZES["TB"]
_TASKS_MAX = 1_000_000

Document = Mapping[str, Any]

Value = TypeVar("Value")
Choice = TypeVar("Choice", bound=StrEnum)


def parse_manifest(text: str) -> Manifest:
    """Return ``potions.toml`` with every default filled in.

    Raises ManifestRefused for any mistake, ReservedVariable and VariableRefused for what ``[env]`` may not hold.
    """
    document = _decode(text)
    _check_keys(document)
    deploy = document.get("deploy", {})
    defaults = Manifest()
    strategy = _read(deploy, "strategy", defaults.strategy, _one_of(Strategy), "deploy")
    return Manifest(
        app=_read(document, "app", None, _app),
        start=_read(document.get("run", {}), "start", None, _command, "run"),
        migrate=_read(document.get("run", {}), "migrate", None, _command, "run"),
        console=_read(document.get("run", {}), "console", None, _command, "run"),
        build=_read(document.get("build", {}), "command", None, _command, "build"),
        health=_health(document.get("health", {})),
        strategy=strategy,
        drain=_read(deploy, "drain", DRAIN[strategy], _duration, "deploy"),
        standby=_read(deploy, "standby", defaults.standby, _standby(strategy), "deploy"),
        stop_timeout=_read(deploy, "stop_timeout", defaults.stop_timeout, _duration, "deploy"),
        keep=_read(deploy, "keep", defaults.keep, _keep, "deploy"),
        shipped=_read(document.get("storage", {}), "shipped", defaults.shipped, _one_of(Shipped), "storage"),
        processes={name: _process(name, table) for name, table in document.get(_PROCESSES, {}).items()},
        env=_env(document.get("env", {})),
        limits=_limits(document.get("limits", {})),
    )


def _decode(text: str) -> dict[str, Any]:
    try:
        return msgspec.toml.decode(text.removeprefix("\ufeff"), type=dict[str, Any])
    except msgspec.DecodeError as error:
        line = _LINE.search(str(error))
        where = f"{_FILE} line {line[1]}" if line else _FILE
        raise ManifestRefused(f"{where} is not valid TOML.", why=str(error), do="Correct it there.") from error
    except (RecursionError, ValueError) as error:
        # The parser of the standard library lets these through for deep nesting and for numbers of thousands of digits.
        raise ManifestRefused(f"{_FILE} cannot be read.", why=str(error)) from error


# Which keys there are


def _check_keys(document: Document) -> None:
    for name, value in document.items():
        if name in _TABLES:
            _check_table(name, value)
        elif name != "app":
            _refuse_key("", name)


def _check_table(table: str, value: object) -> None:
    if not isinstance(value, dict):
        raise ManifestRefused(f"{_FILE}: {table} is not a table.", do=f"Put its keys below a line that says [{table}].")
    for key in value:
        if table in _KEYS and key not in _KEYS[table]:
            _refuse_key(table, key)
    if table == _PROCESSES:
        for name, process in value.items():
            _check_process(name, process)


def _check_process(name: str, process: object) -> None:
    table = f"{_PROCESSES}.{name}"
    if not isinstance(process, dict):
        raise ManifestRefused(
            f"{_FILE}: [{_PROCESSES}] {name} is not a table.",
            do=f'Name its command like this: [{_PROCESSES}.{name}] command = "…"',
        )
    for key in process:
        if key not in _PROCESS_KEYS:
            _refuse_key(table, key)


def _refuse_key(table: str, key: str) -> NoReturn:
    if key in _NOT_YET.get(table, ()):
        raise ManifestRefused(f"{_FILE}: {_where(table, key)} is not available yet.", do="Take it out for now.")
    suggestion = _suggest(table, key)
    raise ManifestRefused(
        f"{_FILE}: unknown key {_where(table, key)}.",
        why=f"Did you mean {suggestion}?" if suggestion else "",
        do="Correct it or take it out; a key that is not understood is never ignored.",
    )


def _where(table: str, key: str) -> str:
    shown = key if len(key) <= 60 else key[:57] + "..."
    return f"[{table}] {shown}" if table else shown


def _suggest(table: str, key: str) -> str:
    """The closest key of the same table, or the table that has a key of exactly this name."""
    close = difflib.get_close_matches(key, _keys_of(table), n=1)
    if close:
        return close[0] if table or close[0] == "app" else f"[{close[0]}]"
    elsewhere = [other for other, keys in _KEYS.items() if key in keys]
    return f"[{elsewhere[0]}] {key}" if elsewhere else ""


def _keys_of(table: str) -> set[str]:
    if not table:
        return {"app", *_TABLES}
    return set(_PROCESS_KEYS if table.startswith(f"{_PROCESSES}.") else _KEYS[table])


# What a value may be. Each reader returns the value, or raises the rule it breaks.


class _RuleError(Exception):
    """What a value has to be."""


def _read(table: Document, key: str, default: Value, reader: Callable[[Any], Value], name: str = "") -> Value:
    if key not in table:
        return default
    try:
        return reader(table[key])
    except _RuleError as rule:
        raise ManifestRefused(f"{_FILE}: {_where(name, key)} cannot be used.", why=str(rule)) from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _RuleError("It has to be a text in quotes.")
    return value


def _app(value: object) -> str:
    try:
        return parse_app_name(_text(value))
    except NameRefused as refused:
        raise _RuleError(refused.why) from None


def _command(value: object) -> str:
    text = _text(value)
    if not text.strip() or "\0" in text:
        raise _RuleError("It has to be a command for /bin/sh, and must not be empty or have a NUL character in it.")
    # Lines of their own in a long string are for its reader, and would only be in the way of messages.
    return text.strip()


def _duration(value: object) -> float:
    seconds = _seconds(value)
    if seconds is None or not 0 <= seconds <= _DAY:
        raise _RuleError(
            'It has to be a time such as "30s", "5m", "500ms" or "2h", or a number of seconds; a day at most.'
        )
    return seconds


def _seconds(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if value <= _DAY else None
    found = _DURATION.match(value) if isinstance(value, str) else None
    return float(found[1]) * _UNITS[found[2]] if found else None


def _positive_duration(value: object) -> float:
    seconds = _duration(value)
    if seconds == 0:
        raise _RuleError("No release answers within no time; it has to be longer than 0.")
    return seconds


def _status(value: object) -> tuple[int, int]:
    found = _STATUS.match(str(value)) if isinstance(value, str | int) else None
    lowest, highest = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 200 <= lowest <= highest <= 599:
        raise _RuleError('It has to be a status such as "204" or a range such as "200-399", between 200 and 599.')
    return lowest, highest


def _path(value: object) -> str:
    text = _text(value)
    if not _PATH.match(text):
        raise _RuleError('It has to begin with "/", without spaces, control characters or "{".')
    return text


def _keep(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _KEEP_MAX:
        raise _RuleError(f"It has to be a whole number from 1 to {_KEEP_MAX}.")
    return value


def _one_of(kind: type[Choice]) -> Callable[[object], Choice]:
    def read(value: object) -> Choice:
        try:
            return kind(_text(value))
        except ValueError:
            allowed = ", ".join(f'"{choice.value}"' for choice in kind)
            raise _RuleError(f"It has to be one of {allowed}.") from None

    return read


def _standby(strategy: Strategy) -> Callable[[object], float]:
    def read(value: object) -> float:
        seconds = _duration(value)
        if seconds and strategy is Strategy.HANDOVER:
            raise _RuleError('With strategy = "handover" two releases never run at once, so none can stand by.')
        return seconds

    return read


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise _RuleError("It has to be true or false, without quotes.")
    return value


def _health(table: Document) -> Health:
    defaults = Health()
    lowest, highest = _read(table, "status", (defaults.lowest, defaults.highest), _status, "health")
    return Health(
        # A status alone is meant for the app's front page.
        path=_read(table, "path", "/" if "status" in table else defaults.path, _path, "health"),
        lowest=lowest,
        highest=highest,
        timeout=_read(table, "timeout", defaults.timeout, _positive_duration, "health"),
    )


def _process(name: str, table: Document) -> Process:
    try:
        parse_process_name(name)
    except NameRefused as refused:
        raise ManifestRefused(f"{_FILE}: {refused.what}", why=refused.why) from None
    defaults, where = Process(), f"{_PROCESSES}.{name}"
    return Process(
        command=_read(table, "command", defaults.command, _command, where),
        start=_read(table, "start", defaults.start, _one_of(WorkerStart), where),
        optional=_read(table, "optional", defaults.optional, _yes_or_no, where),
    )


def _limits(table: Document) -> Limits:
    return Limits(
        memory=_read(table, "memory", None, _memory, "limits"),
        cpu=_read(table, "cpu", None, _percent, "limits"),
        tasks=_read(table, "tasks", None, _tasks, "limits"),
    )


def _memory(value: object) -> int:
    found = _SIZE.match(value) if isinstance(value, str) else None
    size = int(float(found[1]) * _SIZES[found[2]]) if found else 0
    if not _MEMORY_MIN <= size <= _MEMORY_MAX:
        raise _RuleError('It has to be a size such as "512 MB" or "2 GB", from 16 MB to 16 TB.')
    return size


def _percent(value: object) -> int:
    found = _PERCENT.match(value) if isinstance(value, str) else None
    if not found or int(found[1]) == 0:
        raise _RuleError('It has to be a share of one processor such as "50%"; "200%" are two processors.')
    return int(found[1])


def _tasks(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 8 <= value <= _TASKS_MAX:
        raise _RuleError(f"It has to be a number of processes and threads, from 8 to {_TASKS_MAX}.")
    return value


def _env(table: Document) -> dict[str, str]:
    return {parse_env_name(name, source=f"{_FILE} [env]"): _env_value(name, value) for name, value in table.items()}


def _env_value(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ManifestRefused(
            f"{_FILE}: the value of [env] {name} is not a text.",
            why="Variables are texts, and a number or a boolean can be written in more than one way.",
            do=f'Put it into quotes: {name} = "…"',
        )
    return parse_env_value(name, value)
