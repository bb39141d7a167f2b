"""What comes from a form in a page."""

from __future__ import annotations

from typing import Annotated

from litestar.enums import RequestEncodingType
from litestar.params import Body

#: The fields of a form, as text. A checkbox that is not ticked is missing.
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


def text(form: dict[str, str], field: str) -> str:
    """A field without what was typed around it; empty where it is missing."""
    return form.get(field, "").strip()
