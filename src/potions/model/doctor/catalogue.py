"""Every kind of finding there is. A new concern adds its module here."""

from __future__ import annotations

from potions.model.doctor import (
    certificates,
    computer,
    database,
    entries,
    home,
    leftovers,
    parts,
    ports,
    processes,
    records,
    room,
    sites,
    storage,
    units,
    visits,
)
from potions.model.doctor.finding import Kind

#: By concern, in the order of ``docs/doctor.md``.
BY_CONCERN: dict[str, tuple[Kind, ...]] = {
    "The platform's parts": parts.KINDS,
    "Units of a server": units.KINDS,
    "The server": computer.KINDS,
    "Domains and certificates": certificates.KINDS,
    "The home": home.KINDS,
    "Room on the disk": room.KINDS,
    "The database": database.KINDS,
    "Owners, permissions and links": entries.KINDS,
    "What runs": processes.KINDS,
    "Ports": ports.KINDS,
    "The proxy's sites": sites.KINDS,
    "A visitor's way": visits.KINDS,
    "Apps, releases and deployments": records.KINDS,
    "Half-made things": leftovers.KINDS,
    "What is in storage": storage.KINDS,
}

KINDS: dict[str, Kind] = {kind.code: kind for kinds in BY_CONCERN.values() for kind in kinds}
