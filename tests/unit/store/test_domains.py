"""What must hold of the domains in the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from potions.errors import AppUnknown, DomainTaken, DomainUnknown
from potions.model.app import App
from potions.model.domain import HostOutcome
from potions.names import AppName, DomainName
from potions.store.records import ChoosePorts, TrashRecord
from potions.store.store import Store

HERE = "203.0.113.7"
BLOG = DomainName("blog.example.com")
WWW = DomainName("www.blog.example.com")
SHOP = DomainName("shop.example.com")


def add(store: Store, app: App, *names: DomainName) -> list[HostOutcome]:
    return [store.add_domain(app.id, name, HERE, "ana") for name in names]


def names_of(store: Store, app: App) -> list[str]:
    return [domain.name for domain in store.domains(app.id)]


def host_of(store: Store, app: App) -> tuple[str, bool]:
    kept = store.variables(app.id)["PHX_HOST"]
    return kept.value, kept.auto


def delete(store: Store, app: App) -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    store.delete_app(
        app.id, TrashRecord(app.id, app.name, f"{app.name}-{app.id}", now, now + timedelta(hours=72), 5, 1)
    )


@pytest.fixture
def shop(store: Store, choose: ChoosePorts) -> App:
    return store.create_app(AppName("shop"), choose, {"PHX_HOST": HERE})


def test_an_app_has_none_at_first(store: Store, app: App) -> None:
    """Nothing is made up."""
    assert store.domains(app.id) == []
    assert store.every_domain() == {}
    assert store.domains_named("blog") == [] == store.domains_named("nobody")


def test_the_first_becomes_the_primary_and_sets_the_host(store: Store, app: App) -> None:
    """The next ones do not; the variable stays automatic, and the history says who."""
    assert add(store, app, BLOG, WWW) == [HostOutcome.CHANGED, HostOutcome.SAME]
    assert [(one.name, one.primary) for one in store.domains(app.id)] == [(BLOG, True), (WWW, False)]
    assert host_of(store, app) == (BLOG, True)
    newest = store.variable_history(app.id, 1, None)[0]
    assert (newest.by, newest.act, newest.changed) == ("ana", "remade", ["PHX_HOST"])


def test_a_host_that_a_person_set_stays(store: Store, app: App) -> None:
    """Also through a change of the primary and the end of all domains; and it is said."""
    store.change_variables(app.id, {"PHX_HOST": "mine.example.com"})
    assert add(store, app, BLOG, WWW) == [HostOutcome.EDITED, HostOutcome.EDITED]
    assert store.make_primary(app.id, WWW, HERE, "ana") is HostOutcome.EDITED
    assert store.remove_domain(app.id, WWW, HERE, "ana") is HostOutcome.EDITED
    assert host_of(store, app) == ("mine.example.com", False)


def test_a_host_that_a_person_removed_stays_away(store: Store, app: App) -> None:
    """Nothing is made anew behind somebody's back."""
    store.change_variables(app.id, {}, ["PHX_HOST"])
    assert add(store, app, BLOG) == [HostOutcome.REMOVED]
    assert "PHX_HOST" not in store.variables(app.id)


def test_another_one_can_be_the_primary(store: Store, app: App) -> None:
    """Then it comes first, and is the host; there never are two."""
    add(store, app, BLOG, WWW)
    assert store.make_primary(app.id, WWW, HERE, "ana") is HostOutcome.CHANGED
    assert [(one.name, one.primary) for one in store.domains(app.id)] == [(WWW, True), (BLOG, False)]
    assert host_of(store, app) == (WWW, True)


def test_without_the_primary_the_next_one_is_it(store: Store, app: App) -> None:
    """Without any, the host is what it was before."""
    add(store, app, BLOG, WWW)
    assert store.remove_domain(app.id, BLOG, HERE, "ana") is HostOutcome.CHANGED
    assert host_of(store, app) == (WWW, True)
    assert store.remove_domain(app.id, WWW, HERE, "ana") is HostOutcome.CHANGED
    assert host_of(store, app) == (HERE, True)
    assert store.domains(app.id) == []


def test_a_domain_leads_to_one_app(store: Store, app: App, shop: App) -> None:
    """The refusal names who has it, and says so when that is the app itself."""
    add(store, app, BLOG)
    with pytest.raises(DomainTaken, match="another app, blog"):
        add(store, shop, BLOG)
    with pytest.raises(DomainTaken, match="blog has the domain"):
        add(store, app, BLOG)
    assert names_of(store, shop) == []


def test_an_unknown_domain_is_refused_with_the_one_that_was_meant(store: Store, app: App) -> None:
    """Whatever is asked of it."""
    add(store, app, BLOG)
    for call in (store.remove_domain, store.make_primary):
        with pytest.raises(DomainUnknown) as refused:
            call(app.id, DomainName("blog.exmple.com"), HERE, "ana")
        assert BLOG in refused.value.why


def test_a_deleted_app_gets_no_domain(store: Store, app: App) -> None:
    """It is gone for everybody."""
    delete(store, app)
    with pytest.raises(AppUnknown):
        add(store, app, BLOG)


def test_an_app_comes_back_with_its_domains(store: Store, app: App) -> None:
    """Also under another name: the primary goes before whatever PHX_HOST would be else."""
    add(store, app, BLOG, WWW)
    store.make_primary(app.id, WWW, HERE, "ana")
    delete(store, app)
    store.restore_app(app.id, AppName("news"), lambda _: app.ports, {"PHX_HOST": HERE}, "ana")
    assert names_of(store, app) == [WWW, BLOG]
    assert host_of(store, app) == (WWW, True)
    assert store.lost_domains(app.id) == {}


def test_what_is_in_the_trash_keeps_a_domain_only_until_somebody_takes_it(store: Store, app: App, shop: App) -> None:
    """Brought back, it says what it lost and to whom; the next one is its primary."""
    add(store, app, BLOG, WWW)
    delete(store, app)
    assert add(store, shop, BLOG) == [HostOutcome.CHANGED]
    store.restore_app(app.id, app.name, lambda _: app.ports, {"PHX_HOST": HERE}, "ana")
    assert (names_of(store, app), names_of(store, shop)) == ([WWW], [BLOG])
    assert store.lost_domains(app.id) == {BLOG: "shop"}
    assert host_of(store, app) == (WWW, True)
    with pytest.raises(DomainUnknown):
        store.make_primary(app.id, BLOG, HERE, "ana")


def test_what_the_taker_let_go_of_comes_back(store: Store, app: App, shop: App) -> None:
    """Nobody has it when the app is restored, so it is its own again, and the primary."""
    add(store, app, BLOG)
    delete(store, app)
    add(store, shop, BLOG)
    store.remove_domain(shop.id, BLOG, HERE, "ana")
    store.restore_app(app.id, app.name, lambda _: app.ports, {"PHX_HOST": HERE}, "ana")
    assert [(one.name, one.primary) for one in store.domains(app.id)] == [(BLOG, True)]


def test_a_lost_domain_can_be_forgotten_or_added_again(store: Store, app: App, shop: App) -> None:
    """Once the other app has let go of it."""
    add(store, app, BLOG, WWW)
    delete(store, app)
    add(store, shop, BLOG, WWW)
    store.restore_app(app.id, app.name, lambda _: app.ports, {"PHX_HOST": HERE}, "ana")
    assert store.remove_domain(app.id, WWW, HERE, "ana") is HostOutcome.SAME
    assert store.lost_domains(app.id) == {BLOG: "shop"}
    store.remove_domain(shop.id, BLOG, HERE, "ana")
    assert store.lost_domains(app.id) == {BLOG: ""}
    assert add(store, app, BLOG) == [HostOutcome.CHANGED]
    assert (names_of(store, app), store.lost_domains(app.id)) == ([BLOG], {})


def test_what_is_purged_leaves_its_domains_to_everybody(store: Store, app: App, shop: App) -> None:
    """Nothing remembers them."""
    add(store, app, BLOG)
    store.forget_app(app.id)
    add(store, shop, BLOG)
    assert store.every_domain() == {shop.id: store.domains(shop.id)}
