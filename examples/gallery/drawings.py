"""The gallery's drawings, as SVG to put into a page."""

from __future__ import annotations

from features import Accent

_ICON = '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.9" aria-hidden="true">'
_ROUND = 'stroke-linecap="round" stroke-linejoin="round"'


def _line(shape: str) -> str:
    return f'{_ICON}<path {_ROUND} d="{shape}"/></svg>'


TRASH = _line("M4 7h16M9.5 7V4.5h5V7M6.5 7l.8 12.5h9.4L17.5 7M10 11v5M14 11v5")
CROSS = _line("M6 6l12 12M18 6L6 18")
LEFT = _line("M15 5l-7 7 7 7")
RIGHT = _line("M9 5l7 7-7 7")

EMPTY = (
    '<svg viewBox="0 0 208 136" aria-hidden="true">'
    '<g stroke="var(--line)" stroke-width="2">'
    '<rect x="6" y="14" width="150" height="108" rx="14" fill="var(--page)" transform="rotate(-4 80 68)"/>'
    '<rect x="44" y="12" width="154" height="112" rx="14" fill="var(--card)"/></g>'
    '<g fill="var(--accent)"><circle cx="86" cy="46" r="11" opacity=".55"/>'
    '<path opacity=".28" d="M46 110l42-38 24 20 32-36 52 50v4a14 14 0 0 1-14 13H58a13 13 0 0 1-12-13z"/></g></svg>'
)


def mark(accent: Accent) -> str:
    """The gallery's mark, a landscape on a rounded square."""
    return (
        '<svg class="mark" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40" aria-hidden="true">'
        f'<rect width="40" height="40" rx="11" fill="{accent.colour}"/>'
        f'<g fill="{accent.text}" opacity=".92"><circle cx="13.5" cy="14" r="3.5"/>'
        '<path d="M6 30l9-10 6 6 6-8 8 12v1a3 3 0 0 1-3 3H9a3 3 0 0 1-3-3z"/></g></svg>'
    )
