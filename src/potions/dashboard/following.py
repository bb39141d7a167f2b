"""A deployment's log on its way to a browser: Server-Sent Events that a browser can go on with behind any of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

import anyio.to_thread
import msgspec
from litestar import Request
from litestar.response.sse import ServerSentEventMessage

from potions.client import deployment_events
from potions.dashboard.transcript import ROWS_MAX, Row, Step, Transcript, row_of
from potions.dashboard.visit import Visit
from potions.errors import PotionsError
from potions.schema import Event, EventKind

#: Milliseconds after which a browser asks again for a stream that broke.
RETRY = 1000
#: So many digits no log has events.
_DIGITS = 15


class StepNews(msgspec.Struct, frozen=True):
    """A step as the page's script needs it."""

    name: str
    progress: str
    took: str
    age: float
    """Seconds since it began."""
    done: int
    total: int
    amount: str


class News(msgspec.Struct, frozen=True):
    """What one message tells: rows to append, steps that changed, and whether the status did."""

    rows: list[Row]
    steps: list[StepNews]
    status: bool
    """The deployment has another status: what the page says about it is fetched anew."""


def seen_last(request: Request[Any, Any, Any], after: str) -> int:
    """How many events the browser has: as it says after a broken connection, or else as its page says."""
    said = request.headers.get("Last-Event-ID") or after
    return int(said) if said.isascii() and said.isdigit() and len(said) <= _DIGITS else 0


async def follow(visit: Visit, name: str, number: int, seen: int) -> AsyncIterator[ServerSentEventMessage]:
    """Messages for the events behind the first ``seen``, until the deployment ended and its old slot is retired.

    The id of a message says how many events there were up to its last. Where the agent is lost the stream ends without
    the message ``end``, and the browser asks again.
    """
    yield ServerSentEventMessage(data=None, comment="the log follows", retry=RETRY)
    transcript = Transcript()
    try:
        async with visit.streams() as streams:
            path = deployment_events(name, number)
            async for events in streams.batches(path, Event, follow=True, drain=True):
                news = _news(transcript, events, seen)
                if news is not None:
                    yield ServerSentEventMessage(data=msgspec.json.encode(news), id=transcript.count)
        # The log also ends where the agent does.
        asked = partial(visit.agent.deployment, name, number)
        is_over = (await anyio.to_thread.run_sync(asked)).status.ended
    except PotionsError:
        return
    if is_over:
        yield ServerSentEventMessage(event="end")


def _news(transcript: Transcript, events: Sequence[Event], seen: int) -> News | None:
    """What ``events`` bring that the browser has not seen; those that it has are counted."""
    rows: list[Row] = []
    steps: dict[str, Step] = {}
    status = False
    for event in events:
        step = transcript.take_step(event)
        if transcript.count <= seen:
            continue
        if step is not None:
            steps[step.name] = step
        if (row := row_of(event)) is not None:
            rows.append(row)
        status = status or event.kind is EventKind.STATUS
    if transcript.count <= seen:
        return None
    # A page holds no more than this, however fast an app prints.
    return News(rows[-ROWS_MAX:], [_step_news(step) for step in steps.values()], status)


def _step_news(step: Step) -> StepNews:
    return StepNews(
        name=step.name,
        progress=step.progress.value,
        took=step.took,
        age=round(step.runs_since, 1),
        done=step.done,
        total=step.total,
        amount=step.amount,
    )
