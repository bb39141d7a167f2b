"""Names people type, parsed once at the edge into types that cannot be wrong. Refused with the rule, never repaired."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NewType
from urllib.parse import quote, unquote_to_bytes

from potions.errors import NameRefused, ReservedVariable, StoredPathRefused, VariableRefused

AppName = NewType("AppName", str)
#: A worker process beside ``web``: a line of a Procfile, or ``[processes.NAME]``.
ProcessName = NewType("ProcessName", str)
EnvName = NewType("EnvName", str)
#: A release's name within its app: ``r12``.
ReleaseLabel = NewType("ReleaseLabel", str)
#: The SHA-256 of an archive as it was sent: 64 lower-case hexadecimal digits.
ReleaseId = NewType("ReleaseId", str)
#: Somebody who signs in.
PersonName = NewType("PersonName", str)
#: A domain in lower case, other alphabets as punycode: ``xn--bcher-kva.example``.
DomainName = NewType("DomainName", str)
#: What a person calls one of their API tokens.
TokenName = NewType("TokenName", str)

APP_NAME_MAX = 40
PROCESS_NAME_MAX = 40
PERSON_NAME_MAX = 40
TOKEN_NAME_MAX = 40
#: With the longest value it still fits the 128 KiB that Linux takes for one variable.
ENV_NAME_MAX = 256
ENV_VALUE_MAX_BYTES = 100 * 1024
#: What every file system takes as one name.
FILE_NAME_MAX_BYTES = 255
#: Twice what Linux takes as one path; two of them, percent-encoded, still fit the head of a request.
STORED_PATH_MAX_BYTES = 8192

#: The locked variables: made by the platform for each slot, never by a person.
LOCKED_VARIABLES = frozenset({"STORAGE_DIR", "PORT"})
_RESERVED_PREFIX = "POTIONS_"

#: Lines of a Procfile that are no workers: what starts the app, and what migrates.
RESERVED_PROCESSES = frozenset({"web", "release"})

#: Names that no app can have, because the platform answers at their address itself.
RESERVED_APPS = frozenset({"potions"})

_APP_NAME = re.compile(r"[a-z][a-z0-9-]*\Z")
_PROCESS_NAME = re.compile(r"[A-Za-z0-9_-]+\Z")
#: No upper case and no other alphabet: nobody can be mistaken for somebody else.
_PERSON_NAME = re.compile(r"[a-z][a-z0-9._-]*\Z")
_TOKEN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
#: So many digits fit every database.
_LABEL = re.compile(r"r[1-9][0-9]{0,17}\Z")
_NUMBER = re.compile(r"[1-9][0-9]{0,17}\Z")
_RELEASE_ID = re.compile(r"[0-9a-f]{64}\Z")

_APP_RULE = f"A letter first, then lower-case letters, digits and '-', at most {APP_NAME_MAX} characters."
_PROCESS_RULE = f"Letters, digits, '_' and '-', at most {PROCESS_NAME_MAX} characters; not web or release."
_PERSON_RULE = (
    f"A letter first, then lower-case letters, digits, '.', '_' and '-', at most {PERSON_NAME_MAX} characters."
)
_TOKEN_RULE = f"Letters, digits, '.', '_' and '-', at most {TOKEN_NAME_MAX} characters."
_ENV_RULE = f"Letters, digits and '_', no digit first, at most {ENV_NAME_MAX} characters."


def parse_app_name(text: str) -> AppName:
    """Return ``text`` as an app's name; raises NameRefused with the rule."""
    if len(text) > APP_NAME_MAX or not _APP_NAME.match(text):
        raise NameRefused("an app", text, _APP_RULE)
    return AppName(text)


def parse_new_app_name(text: str) -> AppName:
    """Return ``text`` as the name that an app gets; raises NameRefused also for what only the platform is called."""
    name = parse_app_name(text)
    if name in RESERVED_APPS:
        raise NameRefused("an app", text, "The platform itself answers at that address. Take another name.")
    return name


def parse_person_name(text: str) -> PersonName:
    """Return ``text`` as a person's name; raises NameRefused with the rule."""
    if len(text) > PERSON_NAME_MAX or not _PERSON_NAME.match(text):
        raise NameRefused("a person", text, _PERSON_RULE)
    return PersonName(text)


def parse_token_name(text: str) -> TokenName:
    """Return ``text`` as the name of an API token; raises NameRefused with the rule."""
    if len(text) > TOKEN_NAME_MAX or not _TOKEN_NAME.match(text):
        raise NameRefused("a token", text, _TOKEN_RULE)
    return TokenName(text)


def parse_process_name(text: str) -> ProcessName:
    """Return ``text`` as the name of a worker process; raises NameRefused with the rule."""
    if len(text) > PROCESS_NAME_MAX or not _PROCESS_NAME.match(text) or text in RESERVED_PROCESSES:
        raise NameRefused("a worker process", text, _PROCESS_RULE)
    return ProcessName(text)


def parse_env_name(text: str, source: str = "") -> EnvName:
    """Return ``text`` as the name of a variable a person may set.

    ``source`` says where it stood (a file and line), for the error. Raises NameRefused, or ReservedVariable for what
    only the platform sets.
    """
    if len(text) > ENV_NAME_MAX or not _ENV_NAME.match(text):
        raise NameRefused("a variable", text, _ENV_RULE + (f" ({source})" if source else ""))
    if text in LOCKED_VARIABLES or text.startswith(_RESERVED_PREFIX):
        raise ReservedVariable(text, source)
    return EnvName(text)


def parse_env_value(name: str, value: str) -> str:
    """Return ``value`` if a process environment can carry it byte for byte; else raises VariableRefused without it."""
    if "\0" in value:
        raise VariableRefused(
            f"The value of {name} has a NUL character in it.",
            why="No process environment can carry one.",
            do="Encode it, for example with base64.",
        )
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        raise VariableRefused(
            f"The value of {name} is not valid UTF-8.", do="Encode it, for example with base64."
        ) from None
    if size > ENV_VALUE_MAX_BYTES:
        raise VariableRefused(
            f"The value of {name} is {size:,} bytes long.",
            why=f"At most {ENV_VALUE_MAX_BYTES:,} bytes reach a process for certain.",
            do="Put it into a file in storage and the file's path into the variable.",
        )
    return value


def parse_release_id(text: str) -> ReleaseId:
    """Return ``text`` as a release's hash; raises NameRefused."""
    if not _RELEASE_ID.match(text):
        raise NameRefused("a release", text, "The SHA-256 of its archive, 64 hexadecimal digits.")
    return ReleaseId(text)


def parse_label_or_number(text: str) -> ReleaseLabel | int:
    """Return ``r12`` as a release's label, ``12`` as a deployment's number; raises NameRefused for anything else."""
    if _LABEL.match(text):
        return ReleaseLabel(text)
    if _NUMBER.match(text):
        return int(text)
    rule = "A release is named as r12, a deployment by its number, as 12."
    raise NameRefused("a release or a deployment", text, rule)


@dataclass(frozen=True)
class StoredPath:
    """A place in an app's storage: the names that lead there, none for the storage itself.

    Names hold any bytes but ``/`` and NUL; those that are no UTF-8 stand in them as Python's lone surrogates.
    """

    parts: tuple[str, ...] = ()

    def __str__(self) -> str:
        """For people: control characters, and bytes that are no UTF-8, as escapes."""
        return shown_name("/".join(self.parts)) or "."

    @property
    def encoded(self) -> str:
        """As it stands in a URL: every byte that is no plain letter percent-encoded."""
        return quote(_bytes("/".join(self.parts)), safe="/")

    @property
    def name(self) -> str:
        """The last name; empty for the storage itself."""
        return self.parts[-1] if self.parts else ""

    @property
    def parent(self) -> StoredPath:
        return StoredPath(self.parts[:-1])

    def inside(self, *names: str) -> StoredPath:
        """What lies there, below this."""
        return StoredPath((*self.parts, *names))


def parse_stored_path(text: str) -> StoredPath:
    """Return ``text`` as a place strictly below a storage, or the storage itself; raises StoredPathRefused.

    As everywhere, ``a//b`` and ``./a/b/`` are ``a/b``.
    """
    if text.startswith("/"):
        raise _path_refused(text, "It begins with a slash.", "Leave out what leads to the storage.")
    parts = tuple(part for part in text.split("/") if part not in ("", "."))
    if ".." in parts:
        raise _path_refused(text, "It has .. in it, which could lead out of the storage.", "Name it from the top.")
    if "\0" in text:
        raise _path_refused(text, "It has a NUL in it, which no file's name can have.")
    if any(len(_bytes(part)) > FILE_NAME_MAX_BYTES for part in parts):
        raise _path_refused(text, f"One of its names is longer than {FILE_NAME_MAX_BYTES} bytes.")
    path = StoredPath(parts)
    if len(_bytes("/".join(parts))) > STORED_PATH_MAX_BYTES:
        raise _path_refused(text, f"It is longer than {STORED_PATH_MAX_BYTES:,} bytes.")
    return path


def decode_stored_path(encoded: str) -> StoredPath:
    """Return a place from how it stands in a URL; raises StoredPathRefused."""
    return parse_stored_path(unquote_to_bytes(encoded).decode("utf-8", "surrogateescape"))


def shown_name(name: str) -> str:
    """A file's name for people: control characters, and bytes that are no UTF-8, as escapes."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)


def _bytes(name: str) -> bytes:
    try:
        return name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raise _path_refused(name, "It has half of a character in it, which stands for no bytes.") from None


def _path_refused(text: str, why: str, do: str = "") -> StoredPathRefused:
    shown = text if len(text) <= 60 else text[:57] + "..."
    what = shown.encode("utf-8", "backslashreplace").decode()
    return StoredPathRefused(f"{what!r} is no path in a storage.", why=why, do=do)
