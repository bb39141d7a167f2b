"""Cancelling and hurrying a deployment from another thread."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from potions.service.control import Control


def test_a_cancel_is_taken_until_it_is_forbidden() -> None:
    """And again once it is allowed."""
    control = Control()
    assert control.forbid(True)
    assert not control.cancel()
    assert not control.is_cancelled()
    assert control.forbid(False)
    assert control.cancel()
    assert control.is_cancelled()


def test_what_was_cancelled_stays_cancelled() -> None:
    """A step that may not be cancelled is refused then, and a second cancel is fine."""
    control = Control()
    assert control.cancel()
    assert not control.forbid(True)
    assert control.forbid(False)
    assert control.cancel()
    assert control.is_cancelled()


def test_a_cancel_and_a_step_that_forbids_it_never_both_win() -> None:
    """From two threads at the same moment: exactly one of the two is told yes, every time."""
    with ThreadPoolExecutor(2) as pool:
        for _ in range(300):
            control = Control()
            together = threading.Barrier(2)

            def cancel(control: Control = control, together: threading.Barrier = together) -> bool:
                together.wait()
                return control.cancel()

            def forbid(control: Control = control, together: threading.Barrier = together) -> bool:
                together.wait()
                return control.forbid(True)

            cancelled, forbidden = pool.submit(cancel), pool.submit(forbid)
            assert cancelled.result() is not forbidden.result()
            assert control.is_cancelled() is cancelled.result()


@pytest.mark.parametrize("wants_other", [True, False])
def test_a_hurry_says_whether_the_other_slot_is_wanted(wants_other: bool) -> None:
    """A rollback wants it left as it is; whoever sees the hurry sees that, too."""
    control = Control()
    assert (control.is_hurried(), control.is_other_wanted()) == (False, False)
    control.hurry(wants_other=wants_other)
    assert (control.is_hurried(), control.is_other_wanted()) == (True, wants_other)
