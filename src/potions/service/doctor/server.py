"""The checks that only a server has: its units, its users and firewall, the computer, certificates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from potions.host.certificates import last_failures
from potions.host.dns import addresses_of
from potions.host.doctor.certificates import look_at_kept
from potions.host.doctor.computer import admins, look_at_computer
from potions.host.doctor.entries import names_in
from potions.host.doctor.units import look_at_units
from potions.layout import Colour, Server
from potions.model.doctor import certificates, computer, units
from potions.model.doctor.finding import Finding
from potions.model.domain_dns import check_dns
from potions.server import looks
from potions.service.context import Context
from potions.service.doctor.look import Look, counted
from potions.service.doctor.scene import AppScene, Scene

#: What has to run, beside Caddy and the agent, which are told of with the parts.
_UNITS = (
    *("potions-agent.socket", "potions-agent-web.socket", "potions-dashboard.socket", "potions-dashboard.service"),
    *("potions-agent.service", "potions-caddy.service"),
)
_FIREWALL = "potions-firewall.service"
_WITH_PARTS = frozenset({"potions-caddy.service"})


def look_at_units_of_platform(scene: Scene) -> Look:
    """Are they there, do they run, will they after a reboot?"""
    context = scene.context
    seen = look_at_units(_units(context))
    differences = looks.units(context.settings)
    found: list[Finding] = []
    for name, unit in seen.items():
        mine = units.judge_platform_unit(unit, _last_lines(context, unit))
        found += (one for one in mine if name not in _WITH_PARTS or one.code != units.UNIT_DOWN.code)
    found += (units.judge_written(name, f"{text}.") for name, text in differences.items() if seen[name].is_there)
    return Look(f"{counted(len(seen), 'unit')} of the platform", found)


def _units(context: Context) -> list[str]:
    server = context.settings.server
    return [*_UNITS, *([_FIREWALL] if server is None or server.firewall else [])]


def _last_lines(context: Context, unit: units.UnitSeen) -> str:
    if unit.active == "active" or not unit.is_there:
        return ""
    return context.parts.last_lines(unit.name.removeprefix("potions-").removesuffix(".service"))


def look_at_server(scene: Scene) -> Look:
    """The computer, and what the install laid down beside the units."""
    settings = scene.context.settings
    seen = look_at_computer(updates=looks.has_updates())
    found = list(computer.judge_computer(seen))
    found += computer.judge_users(looks.users())
    found += computer.judge_firewall(looks.firewall(settings))
    who = ", ".join(admins())
    return Look(f"Linux {seen.kernel}; potions-admin: {who or 'nobody beside root'}", found)


def look_at_certificates(scene: Scene) -> Look:
    """Those that Caddy keeps for names that are in use."""
    names = _public_names(scene)
    kept = list(look_at_kept(scene.context.home, names))
    failures = last_failures(scene.context.home.certificate_log)
    found = list(certificates.judge_certificates(kept, datetime.now(UTC), failures, sorted(names)))
    return Look(f"{counted(len(kept), 'certificate')} for {counted(len(names), 'name')}", found)


def _public_names(scene: Scene) -> set[str]:
    server = scene.context.settings.server
    own = {server.dashboard} if server is not None and server.dashboard else set()
    return own.union(*(scene.context.names.public(app.name) for app in scene.apps))


def look_at_domains(scene: Scene) -> Look:
    """Where DNS says that they lead, and the server's own names. It takes a while where DNS does not answer."""
    server = scene.context.settings.server
    owners = _domains_of(scene, scene.apps)
    if server is not None and server.dashboard:
        owners[server.dashboard] = ""
    if server is not None and server.wildcard:
        owners |= {scene.context.names.own_name(app.name): app.name for app in scene.apps if not app.gone}
    return _leads(scene, owners)


def look_at_domains_of(scene: Scene, app: AppScene) -> Look:
    """The same for one app."""
    return _leads(scene, _domains_of(scene, [app]))


def _domains_of(scene: Scene, apps: Iterable[AppScene]) -> dict[str, str]:
    """Each with the name of its app."""
    return {one.name: app.name for app in apps for one in scene.context.store.domains(app.app.id)}


def _leads(scene: Scene, owners: Mapping[str, str]) -> Look:
    """``owners`` says whose each name is: an app's, or the server's own."""
    server, found = scene.context.settings.server, list[Finding]()
    if server is None or not owners:
        return Look("no domain", found)
    addresses = addresses_of(server)
    for name, answer in scene.context.dns.look_at_all(list(owners)).items():
        check = check_dns(name, answer, addresses)
        found += certificates.judge_domain(owners[name], name, answer, check)
    return Look(f"{counted(len(owners), 'domain')} in DNS", found)


def look_at_starts(scene: Scene) -> Look:
    """Files that let slots of no app be started."""
    home = scene.context.home
    if not isinstance(home, Server):
        return Look("not looked at", [])
    there = names_in(home.starting)
    left = [(str(home.starting / name), f"{name}.service") for name in there if not _app_of(name) & scene.every_app]
    return Look(counted(len(there), "slot") + " may run beside the live ones", units.judge_starting(left))


def _app_of(marker: str) -> set[str]:
    """The app of ``blog-blue.worker.mail``; nothing for what is no marker of ours."""
    app, dash, colour = marker.partition(".")[0].rpartition("-")
    return {app} if dash and colour in set(Colour) else set()
