"""Ports come in pairs, the lowest free one first."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from potions.layout import Colour
from potions.model.app import LAST_PORT, Ports, choose_ports


def _always(_port: int) -> bool:
    return True


def test_blue_has_the_first_port_and_green_the_one_after_it() -> None:
    """The pair is one number."""
    ports = Ports(4000)
    assert (ports.of(Colour.BLUE), ports.of(Colour.GREEN)) == (4000, 4001)


def test_pairs_follow_each_other() -> None:
    """The first app gets the first pair, the second one the next."""
    assert choose_ports(4000, [], _always) == Ports(4000)
    assert choose_ports(4000, [4000], _always) == Ports(4002)


def test_a_freed_pair_is_used_again() -> None:
    """The gap that a deleted app left is filled first."""
    assert choose_ports(4000, [4000, 4004], _always) == Ports(4002)


def test_a_pair_is_skipped_if_somebody_else_listens_on_either_port() -> None:
    """Both ports have to be free."""
    assert choose_ports(4000, [], lambda port: port != 4000) == Ports(4002)
    assert choose_ports(4000, [], lambda port: port != 4001) == Ports(4002)


def test_a_pair_that_would_share_a_port_with_an_app_is_skipped() -> None:
    """Pairs made with another first port can lie across the ones of now."""
    assert choose_ports(4000, [4001], _always) == Ports(4004)


def test_there_is_no_pair_when_every_port_is_taken() -> None:
    """The answer is None, not a port that does not exist."""
    assert choose_ports(LAST_PORT - 1, [], _always) == Ports(LAST_PORT - 1)
    assert choose_ports(LAST_PORT, [], _always) is None
    assert choose_ports(65_000, [], lambda _port: False) is None


@given(st.sets(st.integers(4000, 4040)), st.sets(st.integers(4000, 4040)))
def test_a_chosen_pair_is_free_and_nobodys(taken: set[int], listening: set[int]) -> None:
    """Whatever is taken, neither port of the pair is."""
    ports = choose_ports(4000, taken, lambda port: port not in listening)
    assert ports is not None
    assert not {ports.first, ports.first + 1} & (taken | {first + 1 for first in taken} | listening)
