"""When sales are summed up, and when the box office has something to do."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.box_office import BoxOffice
from tickettape.box_office.chores import (
    SellingEvent,
    is_in_use,
    reprice_events,
    summary_is_due,
    summary_minutes,
    upkeep_is_due,
)
from tickettape.box_office.orders import change_capacity, reserve
from tickettape.box_office.waitlist import join_waitlist, offer_what_is_free

NOW = datetime(2026, 11, 29, 20, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("events", "minutes"),
    [
        ([], None),
        ([("on_sale", NOW + HOUR, None)], 15),
        ([("on_sale", NOW, None)], 15),  # it has begun
        ([("off_sale", NOW - HOUR, None)], 15),  # it takes place, and what is refunded at the door counts
        ([("off_sale", NOW - 7 * HOUR, None)], 60),
        ([("off_sale", NOW - 7 * HOUR, NOW + HOUR)], 15),
        ([("off_sale", NOW - 2 * HOUR, NOW)], 60),
        ([("off_sale", NOW + HOUR, None)], 60),
        ([("draft", NOW - HOUR, None), ("cancelled", NOW - HOUR, None), ("ended", NOW - HOUR, None)], 60),
        ([("ended", NOW - 90 * HOUR, None), ("on_sale", NOW + 90 * HOUR, None)], 15),
    ],
)
def test_sales_are_summed_up_often_while_an_event_is_on_sale_or_on(
    events: list[tuple[str, datetime, datetime | None]], minutes: int | None
) -> None:
    assert summary_minutes([SellingEvent(*event) for event in events], NOW) == minutes


def test_a_summary_is_due_each_quarter_or_each_hour(office: BoxOffice) -> None:
    office.do("begin")
    office.do("update stored_events set archived_at = now(), status = 'ended'")
    assert not summary_is_due(office.connection, NOW)
    event = office.event()
    quarters = [NOW + number * timedelta(minutes=15) for number in range(4)]
    assert [summary_is_due(office.connection, at) for at in quarters] == [True] * 4
    office.do("update events set status = 'off_sale' where id = %s", event)
    assert [summary_is_due(office.connection, at) for at in quarters] == [True, False, False, False]
    office.do("rollback")


def test_upkeep_is_due_only_if_there_is_something_to_do(office: BoxOffice) -> None:
    office.do("begin")
    office.do("update orders set expires_at = 'infinity' where status = 'pending'; delete from waitlist")
    office.do("update bookings set hold_expires_at = 'infinity' where status = 'HOLD'")
    office.do("update payments set status = 'failed' where status in ('created', 'open')")
    office.do(
        "update refunds set status = 'failed' where status = 'requested'; update notifications set sent_at = now()"
    )
    event = office.event()
    tier = office.tier(event, 5)
    order = reserve(office.connection, office.user(), event, {tier: 5})
    assert is_in_use(office.connection)
    assert not upkeep_is_due(office.connection, mails=True)
    office.expire(order=order)
    assert upkeep_is_due(office.connection, mails=True)
    office.one("select expire_orders()")
    assert not upkeep_is_due(office.connection, mails=True)
    join_waitlist(office.connection, office.user(), event, tier_id=tier)
    assert upkeep_is_due(office.connection, mails=True)
    assert offer_what_is_free(office.connection, event) == 1
    assert upkeep_is_due(office.connection, mails=True)  # the person must be told
    assert not upkeep_is_due(office.connection, mails=False)
    reserve(office.connection, office.user(), event, {tier: 4})
    join_waitlist(office.connection, office.user(), event, tier_id=tier)
    assert not upkeep_is_due(office.connection, mails=False)  # nothing is left to offer
    change_capacity(office.connection, tier, 6)
    assert upkeep_is_due(office.connection, mails=False)
    office.do("rollback")


def test_prices_follow_demand_only_where_that_is_wanted(office: BoxOffice) -> None:
    wanted, other = office.event(), office.event()
    for event in (wanted, other):
        office.seats(event)
    office.do("update stored_events set dynamic_pricing = true where id = %s", wanted)
    changed = reprice_events(office.connection)
    assert changed[wanted] == 10
    assert other not in changed
    assert reprice_events(office.connection)[wanted] == 0
