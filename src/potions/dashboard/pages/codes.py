"""Two-step codes: the secret as a picture for an authenticator app, recovery codes, and turning it off again."""

from __future__ import annotations

from litestar import Controller, get, post
from litestar.response import Redirect, Template

from potions.dashboard.forms import Form, text
from potions.dashboard.pages.account import account_page
from potions.dashboard.qr import qr_code
from potions.dashboard.visit import Visit, Visited
from potions.errors import CodeRefused, PotionsError
from potions.schema import TotpStart

#: More than any address of a secret has; a QR code of it is still easy to take.
_URI_MAX = 400


class CodePages(Controller):
    """For each person themselves. Every page here is the answer to a form: what it shows is shown once."""

    path = "/account/codes"

    @get(sync_to_thread=True)
    def again(self, visit: Visited) -> Redirect:
        """Where somebody comes who loads one of these pages anew by its address."""
        return visit.go("/account")

    @post(sync_to_thread=True)
    def begin(self, visit: Visited) -> Template:
        try:
            return _to_confirm(visit, visit.agent.begin_codes())
        except PotionsError as problem:
            return account_page(visit, problem)

    @post("/confirm", sync_to_thread=True)
    def confirm(self, visit: Visited, data: Form) -> Template:
        try:
            made = visit.agent.confirm_codes(text(data, "code"))
        except CodeRefused as problem:
            # The app has the secret already: the same one is shown again, as the form had it.
            return _to_confirm(visit, TotpStart(text(data, "secret"), text(data, "uri")[:_URI_MAX]), problem)
        except PotionsError as problem:
            return account_page(visit, problem)
        return visit.page("codes_made.html", codes=made.codes)

    @post("/off", sync_to_thread=True)
    def turn_off(self, visit: Visited, data: Form) -> Template | Redirect:
        try:
            visit.agent.end_codes(data.get("password", ""))
        except PotionsError as problem:
            return account_page(visit, problem)
        return visit.go("/account", "Codes are off: the password is enough. Everywhere else you were signed out.")


def _to_confirm(visit: Visit, start: TotpStart, problem: PotionsError | None = None) -> Template:
    return visit.page("codes_begin.html", problem=problem, start=start, picture=qr_code(start.uri))
