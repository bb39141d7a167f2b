"""What is said over the WebSocket of a terminal.

Binary frames are bytes: of the client, what is typed; of the agent, what is printed, each behind one byte that says
where (`OUTPUT`, `ERRORS`). Text frames are the messages below, as JSON. Neither side has more than `WINDOW` bytes on
their way that the other has not `Taken`: so nobody has to hold more than that, and nobody stops reading, which would
hold up pings, a new size and Ctrl-C.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from potions.layout import Colour
from potions.model.terminal import PLAIN_TERM
from potions.model.terminal import SIDE_MAX as SIDE_MAX

#: Bytes on their way at most, in each direction.
WINDOW = 256 * 1024
#: Bytes in one binary frame at most; a text frame has at most twice that.
PIECE = 32 * 1024
FRAME_MAX = 128 * 1024
#: Seconds between two pings, and until one that is not answered ends the connection, and with it the program.
PING_SECONDS = 20.0
SILENCE_SECONDS = 60.0
#: Words of a command, and bytes of all of them together.
WORDS_MAX = 1000
COMMAND_MAX = 100_000

OUTPUT = b"\x01"
ERRORS = b"\x02"

Side = Annotated[int, msgspec.Meta(ge=1, le=SIDE_MAX)]


class _Said(msgspec.Struct, frozen=True, tag_field="type", forbid_unknown_fields=True):
    """A message of the client."""


class Size(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A terminal, in characters."""

    columns: Side
    rows: Side
    term: Annotated[str, msgspec.Meta(max_length=200)] = PLAIN_TERM


class Open(_Said, frozen=True, tag="open"):
    """The first message: what to open."""

    argv: Annotated[list[str], msgspec.Meta(min_length=1, max_length=WORDS_MAX)] | None = None
    """The command with its words; None: the app's console."""
    size: Size | None = None
    """None: no terminal but pipes, with standard error apart."""


class Resize(_Said, frozen=True, tag="resize"):
    """The terminal has another size now."""

    columns: Side
    rows: Side


class InputEnds(_Said, frozen=True, tag="input-ends"):
    """Nothing more is typed: the program reads the end of its input."""


class Signal(_Said, frozen=True, tag="signal"):
    """For the program and all in its group. In a terminal the keys do that."""

    name: Literal["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]


class Took(_Said, frozen=True, tag="taken"):
    """So many bytes were read by whoever looks at them."""

    bytes: Annotated[int, msgspec.Meta(ge=1, le=WINDOW)]


#: All that a client says in text frames.
Said = Open | Resize | InputEnds | Signal | Took


class _Told(msgspec.Struct, frozen=True, tag_field="type"):
    """A message of the agent."""


class Opened(_Told, frozen=True, tag="opened"):
    """The program runs."""

    command: str
    """As a person would type it."""
    kind: str
    """What kind of console it is; empty for a command."""
    slot: Colour
    release: str
    """The label of the release that the slot holds: ``r3``."""


class Taken(_Told, frozen=True, tag="taken"):
    """So many bytes of what was typed were read by the program."""

    bytes: int


class Ended(_Told, frozen=True, tag="ended"):
    """The program has ended, and all that it printed was sent. The last message."""

    status: int | None
    """Its exit status; None where a signal ended it."""
    signal: str | None = None
    why: str = ""
    """Why it was ended, where it did not do so by itself."""


class Failed(_Told, frozen=True, tag="error"):
    """What went wrong; the last message. The fields are those of an ErrorBody."""

    code: str
    what: str
    why: str
    do: str
    exit_status: int
    retry: bool = False


#: All that the agent says in text frames.
Told = Opened | Taken | Ended | Failed
