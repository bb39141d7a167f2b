"""What systemd says of units, and what lies on the disk of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from potions.host.doctor.entries import bytes_at
from potions.host.systemd import ask_systemd, systemd_version
from potions.layout import Server
from potions.model.doctor.units import UnitSeen
from potions.model.service import Service
from potions.render.systemd import render_unit, unit_name

_PROPERTIES = "Id,LoadState,ActiveState,SubState,UnitFileState,NeedDaemonReload,DropInPaths"


def look_at_units(units: Iterable[str]) -> Mapping[str, UnitSeen]:
    """By the names of the units. Raises SupervisorRefused."""
    names = list(units)
    told = ask_systemd("show", f"--property={_PROPERTIES}", *names) if names else ""
    blocks = [dict(line.split("=", 1) for line in block.splitlines()) for block in told.strip().split("\n\n") if block]
    said = {block["Id"]: block for block in blocks}
    return {name: _seen(name, said.get(name, {})) for name in names}


def look_at_services(services: Iterable[str]) -> Mapping[str, UnitSeen]:
    """By the names of the supervisor port. Raises SupervisorRefused."""
    units = {name: unit_name(name) for name in services}
    seen = look_at_units(units.values())
    return {name: seen[unit] for name, unit in units.items()}


def _seen(name: str, said: Mapping[str, str]) -> UnitSeen:
    return UnitSeen(
        name=name,
        is_there=said.get("LoadState") == "loaded",
        active=said.get("ActiveState", ""),
        sub=said.get("SubState", ""),
        is_enabled=said.get("UnitFileState") == "enabled",
        has_changed=said.get("NeedDaemonReload") == "yes",
        drop_ins=tuple(said.get("DropInPaths", "").split()),
    )


def is_as_written(server: Server, service: Service) -> bool | None:
    """Whether the unit of a service is on the disk as Potions would write it now; None where there is none."""
    there = bytes_at(server.units / unit_name(service.name))
    return None if there is None else there == render_unit(server, service, version=systemd_version()).encode()
