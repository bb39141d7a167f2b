"""Every check there is, in the order in which they are made and told. A new concern is one more entry."""

from __future__ import annotations

from potions.service.doctor import app, app_units, platform, server, storage, strays, visit
from potions.service.doctor.look import AppCheck, Check

OF_PLATFORM = (
    Check("parts", platform.look_at_parts),
    Check("home", platform.look_at_home),
    Check("room", platform.look_at_room),
    Check("database", platform.look_at_database),
    Check("ports", platform.look_at_ports),
    Check("proxy", platform.look_at_proxy),
    Check("directories", strays.look_at_directories),
    Check("programs", strays.look_at_programs),
    Check("deployments", strays.look_at_deployments),
    Check("leftovers", strays.look_at_temporary),
)

#: Beside them, on a server.
OF_SERVER = (
    Check("units", server.look_at_units_of_platform),
    Check("server", server.look_at_server),
    Check("certificates", server.look_at_certificates),
    Check("domains", server.look_at_domains),
    Check("starts", server.look_at_starts),
)

OF_APP = (
    AppCheck("records", "directories, and what the slots hold", app.look_at_records),
    AppCheck("processes", "slots, workers and ports", app.look_at_processes),
    AppCheck("entries", "owners, permissions and links", app.look_at_entries),
    AppCheck("site", "sites, and nobody held", app.look_at_site),
    AppCheck("releases", "archives and logs", app.look_at_releases),
    AppCheck("half-made", "what deploys and uploads leave when they are cut off", app.look_at_leftovers),
)

#: Beside them, on a server.
OF_APP_OF_SERVER = (AppCheck("units of apps", "units, and what starts with the computer", app_units.look_at_app_units),)

#: Only where one app is asked for: with many, they would take minutes.
OF_ONE_APP = (
    AppCheck("answer", "a request through the proxy", visit.look_at_visit),
    AppCheck("storage", "storage", storage.look_at_storage),
)

#: Beside them, on a server.
OF_ONE_APP_OF_SERVER = (AppCheck("domains", "domains in DNS", server.look_at_domains_of),)
