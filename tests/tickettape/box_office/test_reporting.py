"""Which place is which zone, and who may see sales, as people decide it."""

import pytest

from tests.support.box_office import BoxOffice
from tests.support.markets import PRODUCTION
from tickettape.box_office.refusals import RefusedError
from tickettape.box_office.reporting import (
    PlaceZone,
    link_zone,
    place_zones,
    promoters,
    set_sales_public,
    set_sales_tenant,
    unlink_zone,
)
from tickettape.catalogue import SeenZone, decide_link, ensure_zones, upsert_events


@pytest.fixture
def resold(office: BoxOffice) -> int:
    """An event with a tier Floor and the seats of section A, linked to one with the zones floor and Lower Level."""
    event = office.event()
    office.tier(event, 5)
    office.do("update stored_tiers set name = 'Floor' where event_id = %s", event)
    office.seats(event, section="A")
    upsert_events(office.connection, "vividseats", [PRODUCTION | {"external_id": f"resold {event}"}])
    key = office.one("select event_key from market.events where external_id = %s", f"resold {event}")
    ensure_zones(office.connection, [SeenZone(key, name, name, 0) for name in ("floor", "Lower Level")])
    decide_link(office.connection, ("box_office", str(event)), ("vividseats", f"resold {event}"), "confirmed", "Kim")
    return event


def known(office: BoxOffice, event: int) -> dict[str, tuple[str | None, str | None]]:
    """The zone of each place, and who decided."""
    return {one.place: (one.zone, one.decided_by) for one in place_zones(office.connection, event)}


def test_a_place_is_the_zone_of_its_name_until_a_person_says_otherwise(office: BoxOffice, resold: int) -> None:
    assert place_zones(office.connection, resold)[0] == PlaceZone(resold, "A", None, None)
    assert known(office, resold) == {"A": (None, None), "Floor": ("floor", None)}
    link_zone(office.connection, resold, "A", "lower level", "Kim")  # stored as the marketplace writes it
    link_zone(office.connection, resold, "Floor", None, "Kim")
    assert known(office, resold) == {"A": ("Lower Level", "Kim"), "Floor": (None, "Kim")}
    link_zone(office.connection, resold, "A", "floor", "Lee")
    unlink_zone(office.connection, resold, "Floor")
    assert known(office, resold) == {"A": ("floor", "Lee"), "Floor": ("floor", None)}


def test_before_an_event_is_linked_any_zone_is_taken(office: BoxOffice) -> None:
    event = office.event()
    office.seats(event, section="A")
    link_zone(office.connection, event, "A", "Lower Level", "Kim")
    assert known(office, event) == {"A": ("Lower Level", "Kim")}


def test_what_does_not_exist_is_named_with_what_does(office: BoxOffice, resold: int) -> None:
    for refused, message in (
        (lambda: link_zone(office.connection, resold, "B", "floor", "Kim"), "no section 'B'. It has A, Floor."),
        (lambda: link_zone(office.connection, resold, "A", "Moon", "Kim"), "It has Lower Level, floor."),
        (
            lambda: link_zone(office.connection, 0, "A", "floor", "Kim"),
            "There is no event 0. `tickettape box-office",
        ),
        (lambda: place_zones(office.connection, 0), "There is no event 0"),
        (lambda: unlink_zone(office.connection, resold, "A"), "Nobody has said which zone 'A'"),
        (lambda: set_sales_public(office.connection, 0, True), "There is no event 0"),
        (
            lambda: set_sales_tenant(office.connection, 0, None),
            "There is no promoter 0. `tickettape box-office",
        ),
        (lambda: set_sales_tenant(office.connection, 0, "nobody"), "`tickettape tenants create nobody`"),
    ):
        with pytest.raises(RefusedError, match=message.replace(".", r"\.")):
            refused()


def test_sales_are_shown_to_a_tenant_or_to_all_and_hidden_again(office: BoxOffice) -> None:
    promoter = office.one("select make_promoter(%s, 'Hall')", office.user())
    event = office.event(promoter_id=promoter)
    office.do("insert into access.tenants (name) values ('Hall team')")

    def shown() -> tuple[str | None, bool]:
        (tenant,) = [one.tenant for one in promoters(office.connection) if one.promoter_id == promoter]
        return tenant, office.one("select sales_are_public from stored_events where id = %s", event)

    assert shown() == (None, False)
    set_sales_tenant(office.connection, promoter, "Hall team")
    set_sales_public(office.connection, event, True)
    assert shown() == ("Hall team", True)
    set_sales_tenant(office.connection, promoter, None)
    set_sales_public(office.connection, event, False)
    assert shown() == (None, False)
