"""The tests of the ports, run on a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.machine import Machine, machine_of
from support.machine_base import SUITES
from support.machine_suite import passes, run_tests, what_tests_need


@pytest.fixture(scope="module", params=SUITES)
def server(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """One machine of each Debian, for all modules: they leave nothing behind that the next one minds."""
    with machine_of(request.param, reads=what_tests_need()) as machine:
        yield machine


@pytest.mark.parametrize("module", ["test_supervisor.py", "test_supervised_programs.py", "test_terminals.py"])
def test_the_supervisor_holds_on_a_server(server: Machine, module: str) -> None:
    """Whatever runs services there keeps the same promises."""
    passes(server, f"tests/port/{module}")


@pytest.mark.parametrize("module", ["test_outputs.py", "inside_journal.py"])
def test_what_apps_print_is_read_back_on_a_server(server: Machine, module: str) -> None:
    """From systemd's journal as from files; and what only a journal does."""
    passes(server, f"tests/port/{module}")


def test_a_failure_in_there_is_told(server: Machine) -> None:
    """With its status and its words; also one that is a skip."""
    server.write(
        "/srv/test_two.py", "import pytest\ndef test_bad(): assert 6 * 7 == 43\ndef test_left(): pytest.skip('no')"
    )
    done = run_tests(server, "/srv/test_two.py", "--rootdir=/srv", "-c/dev/null")
    assert done.status == 1
    assert "assert (6 * 7) == 43" in done.out
    with pytest.raises(AssertionError, match="needs a cat"):
        server.write("/srv/test_skip.py", "import pytest\ndef test_skip(): pytest.skip('needs a cat')")
        passes(server, "/srv/test_skip.py", "--confcutdir=/srv", "-p", "tests.conftest")
