"""What every error is."""

from __future__ import annotations

from typing import ClassVar


class PotionsError(Exception):
    """Something Potions could not do, told so that a person can act on it."""

    code: ClassVar[str] = "error"
    http_status: ClassVar[int] = 400
    exit_status: ClassVar[int] = 1
    #: Whether the same call may be tried again, unchanged, with hope.
    retry: ClassVar[bool] = False

    def __init__(self, what: str, *, why: str = "", do: str = "") -> None:
        super().__init__(what)
        self.what = _sayable(what)
        self.why = _sayable(why)
        self.do = _sayable(do)

    def __str__(self) -> str:
        return "\n".join(part for part in (self.what, self.why, self.do) if part)


def _sayable(text: str) -> str:
    """``text`` with what UTF-8 cannot say as escapes: a name from the disk can be any bytes, an answer cannot."""
    return text.encode("utf-8", "backslashreplace").decode()
