"""The doctor: looks, and mends on request."""

from __future__ import annotations

from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody

from potions.agent.api.handed import Asked
from potions.model.access import Needs
from potions.schema import Checkup, FixRequest, Treatment


class DoctorController(Controller):
    """What is and what should be."""

    tags = ("doctor",)

    @get("/doctor", sync_to_thread=True, needs=Needs.VIEWER, summary="Look at the platform and at every app")
    def platform(self, service: Asked) -> Checkup:
        return service.doctor.platform()

    @post(
        "/doctor/fix",
        sync_to_thread=True,
        status_code=200,
        needs=Needs.OWNER,
        act="mend",
        summary="Mend what can be mended safely, and look again",
    )
    def fix_platform(self, service: Asked, data: JSONBody[FixRequest]) -> Treatment:
        return service.doctor.fix_platform(data)

    @get(
        "/apps/{name:str}/doctor",
        sync_to_thread=True,
        needs=Needs.VIEWER,
        summary="Look at one app, and into its storage",
    )
    def app(self, service: Asked, name: FromPath[str]) -> Checkup:
        return service.doctor.app(name)

    @post(
        "/apps/{name:str}/doctor/fix",
        sync_to_thread=True,
        status_code=200,
        needs=Needs.OWNER,
        act="mend",
        summary="Mend one app, and look again",
    )
    def fix_app(self, service: Asked, name: FromPath[str], data: JSONBody[FixRequest]) -> Treatment:
        return service.doctor.fix_app(name, data)
