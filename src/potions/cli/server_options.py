"""The options of an install, the same on the server itself and from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

_Text = str | None

Address = Annotated[
    _Text, Parameter(name="--address", help="How it is reached from outside; left out, found by itself.")
]
Wildcard = Annotated[
    _Text, Parameter(name="--wildcard", help="A domain whose every sub-domain leads here, for the apps' first names.")
]
Dashboard = Annotated[_Text, Parameter(name="--dashboard", help="The dashboard's domain.")]
Email = Annotated[_Text, Parameter(name="--email", help="Whom the certificate authority may write to.")]
InternalCertificates = Annotated[
    bool | None,
    Parameter(
        name="--internal-certificates",
        negative="--public-certificates",
        help="The server makes its certificates itself, or gets public ones (as it does at first).",
    ),
]
AcmeDirectory = Annotated[
    _Text, Parameter(name="--acme-directory", help="The address of another certificate authority.")
]
AcmeRoot = Annotated[
    Path | None, Parameter(name="--acme-root", help="A file with the root certificate of that address.")
]
Firewall = Annotated[
    bool | None,
    Parameter(name="--firewall", negative="--no-firewall", help="Whether there is one (at first there is)."),
]
AdoptDeploy = Annotated[bool, Parameter(name="--adopt-deploy", help="Take over a user deploy that was there before.")]
