"""The one place that prints errors and picks the exit status."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

from potions.cli.screen import print_json, sanitise, say, stderr
from potions.errors import InternalError, PotionsError

INTERRUPTED = 130
"""Ctrl-C, as a shell would say it: 128 and SIGINT."""
_PIPE_CLOSED = 141
"""The reader went away (``| head``): 128 and SIGPIPE."""


def guard(run: Callable[[], int], *, json: bool) -> int:
    """Run a command; return its exit status, whatever happens in it."""
    try:
        status = run()
        sys.stdout.flush()
        return status
    except PotionsError as error:
        print_error(error, json=json)
        return error.exit_status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _PIPE_CLOSED
    except Exception as error:
        return _unexpected(error, json=json)


def print_error(error: PotionsError, *, json: bool) -> None:
    """Print what happened, why, and what to do, to standard error; with ``json`` as the API's ErrorBody."""
    if json:
        print_json(_body(error), sys.stderr)
        return
    console = stderr()
    _lines(error.what, "bold red", first="Error: ")
    _lines(error.why, "")
    _lines(error.do, "bold" if console.is_terminal else "")


def _body(error: PotionsError) -> object:
    # Here and not above: an error of usage must not wait for the whole schema.
    from potions.schema import ErrorBody

    return ErrorBody(error.code, error.what, error.why, error.do, error.exit_status, error.retry)


def _lines(text: str, style: str, first: str = "") -> None:
    for number, line in enumerate(text.splitlines()):
        say((first if number == 0 else "") + sanitise(line), style, console=stderr())


def _unexpected(error: Exception, *, json: bool) -> int:
    debugging = os.environ.get("POTIONS_DEBUG") == "1"
    if debugging:
        traceback.print_exception(error)
    internal = InternalError(
        "Something went wrong that Potions did not expect.",
        why=f"{type(error).__name__}: {error}",
        do="" if debugging else "Run it again with POTIONS_DEBUG=1 to see where, and report it.",
    )
    print_error(internal, json=json)
    return internal.exit_status
