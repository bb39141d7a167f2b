"""What is remembered of storages: in order, thinned with age, and gone with its app."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from potions.errors import AppUnknown
from potions.model.app import App
from potions.model.stored import StorageSample
from potions.names import AppName
from potions.store import tables
from potions.store.records import ChoosePorts, TrashRecord
from potions.store.store import Store

NOW = datetime(2026, 5, 20, 12, 30, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=4000)


def sample(ago: timedelta = timedelta(), size: int = 1) -> StorageSample:
    return StorageSample(NOW - ago, size, 1, 0.5)


@pytest.fixture
def add(store: Store, app: App) -> Callable[..., StorageSample]:
    return lambda *args, **more: store.add_storage_sample(app.id, sample(*args, **more))


def test_what_was_measured_is_told_in_order(store: Store, app: App, add: Callable[..., StorageSample]) -> None:
    """Since a moment, the oldest first, with what it took."""
    kept = [add(timedelta(days=days), days) for days in (9, 5, 1)]
    assert store.storage_samples(app.id, NOW - timedelta(days=6)) == kept[1:]
    assert store.last_storage_samples() == {app.id: kept[-1]}


def test_a_clock_that_is_set_back_changes_no_order(store: Store, app: App, add: Callable[..., StorageSample]) -> None:
    """No sample is from before the one before it, and the last one is the last that was measured."""
    add(timedelta(hours=1), 1)
    back = add(timedelta(days=300), 2)
    assert (back.at, back.bytes) == (NOW - timedelta(hours=1), 2)
    found = store.storage_samples(app.id, LONG_AGO)
    assert [one.bytes for one in found] == [1, 2]
    assert [one.at for one in found] == sorted(one.at for one in found)
    store.thin_storage_samples(NOW)
    assert store.last_storage_samples()[app.id].bytes == 2


def test_a_deleted_app_is_measured_no_more(store: Store, app: App, add: Callable[..., StorageSample]) -> None:
    """What was measured before stays as long as it can be brought back, and goes with it."""
    add()
    store.delete_app(app.id, None)
    assert store.last_storage_samples() == {}
    other = store.create_app(AppName("other"), lambda _taken: app.ports, {})
    with pytest.raises(AppUnknown):
        store.delete_app(other.id, _trash(other))
        store.add_storage_sample(other.id, sample())


def _trash(app: App) -> TrashRecord:
    return TrashRecord(app.id, app.name, f"{app.name}.{app.id}", NOW, NOW + timedelta(hours=72), 0, 0)


def test_a_week_is_kept_by_the_hour_and_two_years_by_the_day(store: Store, app: App) -> None:
    """The last of each hour, then the last of each day, then nothing."""
    half_hours = [number for number in range(24 * 2 * 760, 0, -1) if number < 24 * 2 * 9 or number % 12 == 0]
    rows = [
        {"app_id": app.id, "at": NOW - timedelta(minutes=30 * number), "bytes": number, "files": 1, "seconds": 0.5}
        for number in half_hours
    ]
    with store._database.writing() as connection:
        connection.execute(insert(tables.storage_samples), rows)
    store.thin_storage_samples(NOW)
    found = store.storage_samples(app.id, LONG_AGO)
    ages = [NOW - one.at for one in found]
    hourly = [age for age in ages if age <= timedelta(days=7)]
    daily = [age for age in ages if age > timedelta(days=7)]
    assert len(hourly) in (7 * 24, 7 * 24 + 1)
    assert 720 <= len(daily) <= 725
    assert max(ages) <= timedelta(days=730)
    assert len({one.at.date() for one in found if NOW - one.at > timedelta(days=8)}) == len(
        [one for one in found if NOW - one.at > timedelta(days=8)]
    )
    store.thin_storage_samples(NOW)
    assert store.storage_samples(app.id, LONG_AGO) == found


def test_the_last_sample_is_kept_however_old_it_is(store: Store, app: App, add: Callable[..., StorageSample]) -> None:
    """An app that could not be measured since still has a number."""
    old = add(timedelta(days=3000))
    store.thin_storage_samples(NOW)
    assert store.last_storage_samples() == {app.id: old}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(0, 40 * 24 * 60), max_size=60))
def test_a_trend_has_few_points_and_the_newest(store: Store, choose: ChoosePorts, minutes: list[int]) -> None:
    """Whenever it was measured: in order, not more than asked for, none from before."""
    app = store.create_app(AppName("trendy"), choose, {})
    for number, ago in enumerate(sorted(minutes, reverse=True)):
        store.add_storage_sample(app.id, sample(timedelta(minutes=ago), number))
    since = NOW - timedelta(days=30)
    trend = store.storage_trends(since, 24).get(app.id, [])
    every = store.storage_samples(app.id, since)
    assert len(trend) <= 24
    assert [one for one in every if one in trend] == trend
    assert trend[-1:] == every[-1:]
    store.forget_app(app.id)


def test_each_app_has_a_trend_of_its_own(store: Store, app: App, choose: ChoosePorts) -> None:
    """From one query for all of them, over as long as each was measured."""
    other = store.create_app(AppName("other"), choose, {})
    for hour in range(60, 0, -1):
        store.add_storage_sample(app.id, sample(timedelta(hours=hour), hour))
    for minute in range(20, 0, -1):
        store.add_storage_sample(other.id, sample(timedelta(minutes=minute), minute))
    trends = store.storage_trends(NOW - timedelta(days=30), 24)
    assert len(trends[app.id]) == 24
    assert len(trends[other.id]) > 15
    assert (trends[app.id][-1].bytes, trends[other.id][-1].bytes) == (1, 1)
