"""The page of servers: those that were added by the user that Potions runs as, and the way to each one's dashboard."""

from __future__ import annotations

from potions.ssh.remembered import Server, Servers
from support.browsing import Dashboard, Visit, flaws


def test_each_server_leads_to_its_dashboard(dashboard: Dashboard, visit: Visit) -> None:
    """An address of a file is only a link where it is one of the web; one for the server alone is told how to get."""
    file = dashboard.platform.folder / ".config/potions/servers.json"
    known = Servers(file)
    known.remember(Server("shop", "root", "shop.example.org", dashboard="https://potions.example.org"))
    known.remember(Server("wiki", "anna", "2001:db8::1", 2222, dashboard="http://potions.localhost:8480"))
    known.remember(Server("odd", "anna", "odd.example.org", dashboard="javascript:alert(1)"))
    page = visit("/servers")
    rows = page.locator("tbody tr")
    assert [row.split("\t")[:2] for row in rows.all_inner_texts()] == [
        ["odd", "anna@odd.example.org"],
        ["shop default", "root@shop.example.org"],
        ["wiki", "anna@[2001:db8::1]:2222"],
    ]
    links = page.locator("main a")
    assert [link.get_attribute("href") for link in links.all()] == ["https://potions.example.org"]
    assert "potions --server wiki dashboard" in rows.nth(2).inner_text()
    assert flaws(page, "servers-full") == []
    file.unlink()
    page.reload()
    assert "potions server add root@example.org" in page.inner_text("main")
