"""The doctor: looks, and mends on request."""

from __future__ import annotations

from litestar import Controller, get, post

from potions.schema import Checkup, FixRequest, Treatment
from potions.service import Service


class DoctorController(Controller):
    """What is and what should be."""

    tags = ("doctor",)

    @get("/doctor", sync_to_thread=True, summary="Look at the platform and at every app")
    def platform(self, service: Service) -> Checkup:
        return service.doctor.platform()

    @post("/doctor/fix", sync_to_thread=True, status_code=200, summary="Mend what can be mended safely, and look again")
    def fix_platform(self, service: Service, data: FixRequest) -> Treatment:
        return service.doctor.fix_platform(data)

    @get("/apps/{name:str}/doctor", sync_to_thread=True, summary="Look at one app, and into its storage")
    def app(self, service: Service, name: str) -> Checkup:
        return service.doctor.app(name)

    @post("/apps/{name:str}/doctor/fix", sync_to_thread=True, status_code=200, summary="Mend one app, and look again")
    def fix_app(self, service: Service, name: str, data: FixRequest) -> Treatment:
        return service.doctor.fix_app(name, data)
