"""The words that several commands take, described once."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

AppWord = Annotated[str, Parameter(name="APP", help="The app's name.")]
Json = Annotated[bool, Parameter(name="--json", help="Print the API's answer as JSON.")]
Yes = Annotated[bool, Parameter(name="--yes", help="Do not ask; for scripts.")]
Detach = Annotated[bool, Parameter(name="--detach", help="Return once it is queued, without following it.")]
Follow = Annotated[bool, Parameter(name=["--follow", "-f"], help="Stay and show what comes.")]
