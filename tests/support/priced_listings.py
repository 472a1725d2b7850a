"""Captures for the tests of price alerts, in a line each.

`VB1:120 VB2:3300` are listings of section 101 with their all-in prices in dollars, two tickets each. `VB1@102:120` is
one in section 102, `VB1*1:120` a single ticket, `VB1/7:120` one in row 7. `-` is an ok capture that shows nothing for
sale. A price before fees is four fifths of the all-in price.
"""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

from tests.support.listing_chains import put
from tests.support.markets import add_event
from tickettape.api_schema import create_tenant
from tickettape.catalogue import SeenZone, ensure_sections, ensure_zones
from tickettape.database import Connection, ensure_partitions
from tickettape.listing_history import OfferTermsKeys
from tickettape.price_alerts.sights import Listing

_WRITTEN = re.compile(r"(\w+)(?:@(\d+))?(?:\*(\d+))?(?:/(\w+))?:([\d.]+)")
SECTIONS = {101: "Lower", 102: "Lower", 301: "Upper"}


def listings(capture: str) -> list[Listing]:
    """The listings of a line."""
    found = []
    for listing_id, section, quantity, row, dollars in _WRITTEN.findall(capture):
        tickets, cents = int(quantity or 2), round(float(dollars) * 100)
        seat_row = row or listing_id  # each in a row of its own, so that none is another one's successor by chance
        found.append(Listing(listing_id, int(section or 101), seat_row, tickets, (tickets,), cents * 4 // 5, cents))
    return found


class Show:
    """An event whose captures are written in lines."""

    def __init__(self, connection: Connection, external_id: str = "1", **event: Any) -> None:
        self.connection = connection
        self.event_key = add_event(connection, external_id, **event)
        row = connection.execute(
            "update market.events set currency = 'USD' where event_key = %s returning id", [self.event_key]
        ).fetchone()
        assert row
        self.event_id: UUID = row[0]
        zones = ensure_zones(connection, [SeenZone(self.event_key, zone, zone, 0) for zone in ("Lower", "Upper")])
        keys = ensure_sections(
            connection,
            {(self.event_key, zones[self.event_key, zone], str(name)): str(name) for name, zone in SECTIONS.items()},
        )
        self._keys = {int(name): key for (_, _, name), key in keys.items()}

    def shows(self, tick: datetime, capture: str, status: str = "ok") -> None:
        """A capture with what it showed, as the program stores it."""
        ensure_partitions(self.connection, [tick])
        found = listings(capture)
        terms = OfferTermsKeys(self.connection)
        offers = {
            (one.listing_id, self._keys[one.section_key], one.row, terms[one.quantity, one.buyable]): (
                one.price_cents,
                one.all_in_cents,
                -1,
            )
            for one in found
        }
        put(self.connection, self.event_key, tick, offers, status)
        self.connection.execute(
            "delete from market.section_snapshots where event_key = %s and tick = %s", [self.event_key, tick]
        )
        for section in {one.section_key for one in found}:
            own = [one for one in found if one.section_key == section]
            self.connection.execute(
                """insert into market.section_snapshots (tick, event_key, section_key, price_sum_cents,
                       lowest_price_cents, highest_price_cents, lowest_all_in_price_cents, total_tickets,
                       total_listings)
                   values (%s, %s, %s, %s, %s, %s, %s, %s, %s)""",
                [
                    *(tick, self.event_key, self._keys[section], sum(one.price_cents for one in own)),
                    *(min(one.price_cents for one in own), max(one.price_cents for one in own)),
                    *(min(one.all_in_cents for one in own), sum(one.quantity for one in own), len(own)),
                ],
            )


def tenant_of(connection: Connection, name: str = "everyone", *, sees_all: bool = True) -> UUID:
    """A tenant, made if there is none of this name."""
    row = connection.execute("select tenant_id from access.tenants where name = %s", [name]).fetchone()
    return row[0] if row else create_tenant(connection, name, sees_all=sees_all)


def add_rule(connection: Connection, tenant: UUID, show: Show | None = None, **said: Any) -> UUID:
    """A rule: at most 100 dollars all-in for two at `show`, unless `said` says otherwise."""
    whole: dict[str, Any] = {"tenant_id": tenant, "name": "a rule", "condition": "below", "price": 100}
    whole |= {"scope": "event", "event_id": show.event_id} if show else {}
    whole |= {"created_at": "2026-01-01 00:00Z"} | said
    names = ", ".join(whole)
    row = connection.execute(
        f"insert into price_alerts.rules ({names}) values ({', '.join(['%s'] * len(whole))}) returning rule_id",
        list(whole.values()),
    ).fetchone()
    assert row
    rule_id: UUID = row[0]
    return rule_id


def history(connection: Connection) -> list[tuple[str, str, str, float | None]]:
    """What was decided, oldest first: (outcome, clock, listing, all-in price)."""
    rows = connection.execute(
        """select outcome, to_char(tick, 'HH24:MI'), coalesce(listing_id, ''), all_in_price
           from price_alerts.occasions order by occasion_id"""
    ).fetchall()
    return [
        (outcome, clock, listing, None if price is None else float(price)) for outcome, clock, listing, price in rows
    ]
