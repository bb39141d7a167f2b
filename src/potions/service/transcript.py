"""What a start says when no deployment's log keeps it: the app's own lines, for the error."""

from __future__ import annotations

from collections.abc import Mapping

from potions.model.deployment import Failure, Status
from potions.secret import Redactor


class Transcript:
    """Collects notes and output; values that ``hide`` names are blacked out."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._redactor = Redactor({})

    def hide(self, values: Mapping[str, str]) -> None:
        self._redactor = Redactor(values)

    def note(self, text: str) -> None:
        self.lines.append(self._redactor.line(text))

    def output(self, text: str) -> None:
        self.lines.append(self._redactor.line(text))

    def status(self, status: Status) -> None:
        """Nothing to keep."""

    def began(self, step: str) -> None:
        """Nothing to keep."""

    def ended(self, step: str, seconds: float) -> None:
        """Nothing to keep."""

    def undone(self, step: str) -> None:
        """Nothing to keep."""

    def progress(self, done: int, total: int) -> None:
        """Nothing to keep."""

    def failed(self, step: str, failure: Failure) -> None:  # noqa: ARG002
        self.note(failure.what)
