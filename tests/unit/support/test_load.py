"""The load's judgement: what counts as failed, as a gap and as stale, against servers that misbehave in known ways."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from support.load import Bounds, Check, Load, Record, Result, Target, merge, read, run_load

Answering = Callable[[int, asyncio.StreamWriter], Awaitable[None]]


def good(body: bytes = b"hello", *headers: bytes, version: bytes = b"1") -> bytes:
    """The bytes of a good answer."""
    lines = [b"HTTP/1.1 200 OK", b"X-Version: " + version, b"Content-Length: %d" % len(body), *headers, b"", body]
    return b"\r\n".join(lines)


class Server:
    """A server on a free port whose ``answering`` writes the answer to request number N; counts what it saw."""

    def __init__(self, answering: Answering) -> None:
        self.answering = answering
        self.requests = 0
        self.connections = 0
        self.address = ("127.0.0.1", 0)

    async def __aenter__(self) -> Server:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = self._server.sockets[0].getsockname()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while not writer.is_closing():
                await reader.readuntil(b"\r\n\r\n")
                self.requests += 1
                await self.answering(self.requests, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def loaded(
    answering: Answering,
    *,
    kept_alive: int = 0,
    fresh: int = 0,
    requests: int = 200,
    check: Check | None = None,
    pause: float = 0,
    answer_within: float = 5,
) -> tuple[Result, Server]:
    """The result of a load on such a server, and the server."""

    async def scene() -> tuple[Result, Server]:
        async with Server(answering) as server:
            target = Target(server.address, "app.localhost", "/", check or Check(), answer_within)
            bounds = Bounds(seconds=20, requests=requests, pause=pause)
            return await run_load(target, kept_alive=kept_alive, fresh=fresh, bounds=bounds), server

    return asyncio.run(scene())


async def well(_number: int, writer: asyncio.StreamWriter) -> None:
    """Answer well."""
    writer.write(good())


def record(sent: float, done: float, version: str = "1", problem: str = "") -> Record:
    """A record, for the judge."""
    return Record(sent, done, version, problem)


def test_a_well_behaved_server_fails_nothing() -> None:
    """Every request on kept-alive and fresh connections is counted once, and none as failed."""
    result, server = loaded(well, kept_alive=4, fresh=2)
    assert (result.total, result.failed, result.reasons, result.versions) == (200, 0, [], ["1"])
    assert server.requests == 200
    assert server.connections > 4


def test_kept_alive_connections_are_kept() -> None:
    """A kept-alive connection carries all its requests."""
    _, server = loaded(well, kept_alive=3)
    assert server.connections == 3


@pytest.mark.parametrize(("kept_alive", "fresh"), [(4, 0), (0, 4), (3, 2)])
def test_every_fiftieth_request_dropped_is_seen(kept_alive: int, fresh: int) -> None:
    """A connection closed instead of an answer is a failure each time, and nothing is asked again in secret."""

    async def drops(number: int, writer: asyncio.StreamWriter) -> None:
        if number % 50 == 0:
            writer.close()
        else:
            writer.write(good())

    result, server = loaded(drops, kept_alive=kept_alive, fresh=fresh, requests=500)
    assert (result.total, result.failed, server.requests) == (500, 10, 500)
    assert len(result.reasons) == 5
    assert all("connection closed before an answer" in reason for reason in result.reasons)


def test_a_reset_while_waiting_is_a_failure() -> None:
    """A connection reset instead of an answer is told as such."""

    async def resets(number: int, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort() if number == 7 else writer.write(good())

    result, _ = loaded(resets, kept_alive=1, requests=20)
    assert (result.total, result.failed) == (20, 1)


def test_a_short_body_is_a_failure() -> None:
    """An answer that ends before its length is not a good one."""

    async def short(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(good()[:-2] if number == 3 else good())
        if number == 3:
            writer.close()

    result, _ = loaded(short, kept_alive=1, requests=10)
    assert (result.failed, result.reasons) == (1, ["kept-alive: short body"])


def test_a_chunked_answer_cut_short_is_a_failure() -> None:
    """Chunks without the last one are not an answer; with it they are."""

    async def chunks(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Version: 1\r\n\r\n5\r\nhello\r\n")
        await writer.drain()
        writer.write(b"3;x=y\r\nyou\r\n")
        writer.close() if number == 4 else writer.write(b"0\r\nTrailer: x\r\n\r\n")

    result, _ = loaded(chunks, kept_alive=1, requests=10, check=Check(contains="helloyou"))
    assert (result.total, result.failed, result.reasons) == (10, 1, ["kept-alive: short body"])


def test_another_status_and_another_body_are_failures() -> None:
    """A 503 and a body without the expected text are failures that name what came."""

    async def odd(number: int, writer: asyncio.StreamWriter) -> None:
        answers = {2: b"HTTP/1.1 503 Nope\r\nContent-Length: 0\r\n\r\n", 4: good(b"empty page")}
        writer.write(answers.get(number, good(b"<h1>hello</h1>")))

    result, _ = loaded(odd, kept_alive=1, requests=6, check=Check(contains="hello"))
    assert result.reasons == ["kept-alive: status 503", "kept-alive: body without 'hello'"]


def test_bytes_beyond_the_answer_are_a_failure() -> None:
    """More bytes than the answer's length mean that two answers were mixed up."""

    async def more(_number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(good() + b"HTTP/1.1 200")

    result, _ = loaded(more, kept_alive=1, requests=2)
    assert (result.failed, result.reasons[0]) == (2, "kept-alive: 12 bytes more than the answer has")


def test_connection_close_between_requests_is_fine() -> None:
    """A server that says Connection: close and closes has done nothing wrong."""

    async def closes(number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(good(b"x", b"Connection: close") if number % 3 == 0 else good())
        if number % 3 == 0:
            writer.close()

    result, server = loaded(closes, kept_alive=2, requests=60)
    assert (result.total, result.failed) == (60, 0)
    assert server.connections >= 20


def test_closing_while_nothing_is_asked_is_fine() -> None:
    """A kept-alive connection that the server closes in a pause is opened anew, without a failure."""

    async def leaves(_number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(good())
        writer.close()

    result, server = loaded(leaves, kept_alive=1, requests=5, pause=0.05)
    assert (result.total, result.failed, server.connections >= 5) == (5, 0, True)


def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    """An answer delimited by the end of the connection is complete there."""

    async def until_close(_number: int, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX-Version: 1\r\n\r\nhello")
        writer.close()

    result, _ = loaded(until_close, kept_alive=1, fresh=1, requests=10, check=Check(contains="hello"))
    assert (result.total, result.failed) == (10, 0)


def test_no_answer_in_time_is_a_failure() -> None:
    """A request that is never answered counts as failed when its time is over, and the load still ends."""

    async def silent(_number: int, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0)

    result, _ = loaded(silent, kept_alive=1, requests=1, answer_within=0.1)
    assert result.reasons == ["kept-alive: no answer within 0.1 s"]


def test_a_closed_port_fails_every_request() -> None:
    """Where nobody listens, kept-alive and fresh requests fail alike."""

    async def scene() -> Result:
        async with Server(well) as server:
            address = server.address
        bounds = Bounds(seconds=5, requests=6)
        return await run_load(Target(address, "x"), kept_alive=1, fresh=1, bounds=bounds)

    result = asyncio.run(scene())
    assert (result.total, result.failed, result.versions) == (6, 6, [])
    assert result.reasons[0].endswith("cannot connect: ConnectionRefusedError")


def test_a_held_answer_is_a_gap() -> None:
    """A pause of the whole server is the longest gap, although no request failed."""

    async def holds(number: int, writer: asyncio.StreamWriter) -> None:
        if number == 20:
            await asyncio.sleep(0.3)
        writer.write(good())

    result, _ = loaded(holds, kept_alive=1, requests=40)
    assert result.failed == 0
    assert 0.3 <= result.longest_gap < 3


def test_the_load_ends_after_its_seconds() -> None:
    """Without a stop the load ends by itself."""

    async def scene() -> Result:
        async with Server(well) as server:
            return await run_load(Target(server.address, "x"), kept_alive=2, fresh=0, bounds=Bounds(seconds=0.2))

    result = asyncio.run(scene())
    assert result.total > 0
    assert 0.2 <= result.ended - result.began < 5


def test_stale_counts_what_was_sent_after_the_instant() -> None:
    """A request sent before the switch may be answered by the old version, however late; one sent after it may not."""
    records = [record(1, 5, "1"), record(2.9, 9, "1"), record(3.1, 3.2, "1"), record(3.1, 3.2, "2"), record(4, 5, "1")]
    result = Result(records, 0, 10)
    assert (result.stale_after(3, "1"), result.stale_after(4.5, "1"), result.stale_after(0, "2")) == (2, 0, 1)


def test_a_failed_request_is_not_stale_but_failed() -> None:
    """An answer is judged once: as failed."""
    result = Result([record(4, 5, "1", "fresh: status 503")], 0, 10)
    assert (result.failed, result.stale_after(3, "1")) == (1, 0)


def test_the_longest_gap_is_over_all_connections() -> None:
    """A gap lasts from one good answer to the next one of any connection; failures do not end it."""
    records = [record(0, 1), record(0, 4), record(2, 2.25), record(2.6, 3, "1", "fresh: status 502")]
    result = Result(records, 0.5, 4.2)
    assert result.longest_gap == 1.75
    assert (result.gap.began, result.gap.ended) == (2.25, 4)


def test_the_edges_of_the_load_are_part_of_a_gap() -> None:
    """Silence before the first and after the last good answer counts."""
    assert Result([record(0, 1)], 0, 9).longest_gap == 8
    assert Result([record(0, 7)], 0, 9).longest_gap == 7
    assert Result([], 0, 9).longest_gap == 9


def test_versions_are_in_the_order_of_answers() -> None:
    """Repetitions are left out, returns are not."""
    records = [record(0, 3, "2"), record(0, 1, "1"), record(0, 2, "1"), record(0, 4, "1")]
    assert Result(records, 0, 5).versions == ["1", "2", "1"]


def test_percentiles_are_of_good_answers() -> None:
    """The median and the 99th percentile of 1 to 100 ms; a failed request has no latency."""
    records = [record(0, number / 1000) for number in range(1, 101)] + [record(0, 50, "1", "fresh: reset")]
    result = Result(records, 0, 1)
    assert (result.p50, result.p99) == (0.050, 0.099)
    assert Result([], 0, 1).p99 == 0


def test_parts_are_judged_together(tmp_path: Path) -> None:
    """Results of several processes, kept in files, merge into one whose gaps are those of all together."""
    first, second = Result([record(0, 1), record(1, 4)], 0, 5), Result([record(1, 2.5)], 0.5, 6)
    first.save(tmp_path / "0")
    second.save(tmp_path / "1")
    result = merge([read(tmp_path / "0"), read(tmp_path / "1")])
    assert (result.total, result.began, result.ended, result.longest_gap) == (3, 0, 6, 2)


def test_a_part_of_a_load_can_be_judged_alone() -> None:
    """Only requests sent in the asked time remain."""
    result = Result([record(1, 2), record(3, 4), record(5, 6)], 0, 9).between(2, 5)
    assert (result.total, result.began, result.ended) == (1, 2, 5)


def test_a_load_in_processes_of_its_own() -> None:
    """Around a block: at work when it begins, judged after it, with instants of this process's clock."""

    async def scene() -> tuple[Result, float]:
        async with Server(well) as server:
            return await asyncio.to_thread(_load_around_a_block, server.address)

    result, inside = asyncio.run(scene())
    assert result.failed == 0
    assert any(record.done < inside for record in result.records)
    assert result.stale_after(inside, "1") > 0
    assert result.began < inside < result.ended


def _load_around_a_block(address: tuple[str, int]) -> tuple[Result, float]:
    with Load(address, "app.localhost", kept_alive=3, fresh=1, processes=2, bounds=Bounds(pause=0.001)) as load:
        inside = time.monotonic()
        while time.monotonic() < inside + 0.1:
            time.sleep(0.01)
    return load.result, inside
