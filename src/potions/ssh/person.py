"""Whoever sits in front of the terminal, for what only a person can answer: a yes, a password."""

from __future__ import annotations

from typing import Protocol


class Person(Protocol):
    """Asked in the thread that called, so that Ctrl-C ends the question."""

    @property
    def is_there(self) -> bool:
        """Whether anybody can be asked at all."""

    def tell(self, line: str) -> None:
        """Show a line that belongs to no answer."""

    def ask(self, question: str) -> str:
        """What is typed, without the line's end."""

    def ask_secretly(self, question: str) -> str:
        """What is typed without being shown. Never kept longer than needed, and never printed."""
