"""A simulated week, as facts: an event with all that a chart can meet, a quiet one, a new one, two without prices.

The game's listings are known for the last two days. In the play somebody asks a million. The box office
sells the play too.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from tests.support.board_events import add_at_markets, add_crowd, add_fallen, add_simulated_events
from tests.support.dbt_runs import run_dbt
from tests.support.markets import add_event
from tickettape.api_schema import apply_api_schema
from tickettape.database import Connection, ensure_partitions
from tickettape.listing_history import (
    Offer,
    OfferTermsKeys,
    Prices,
    lock_listing_history,
    microseconds,
    write_observation,
)
from tickettape.listing_history.deltas import Observation
from tickettape.settings import Settings

GAME, PLAY, NEW = "Bulls vs. Celtics", "A Quiet Play", "Just Announced"
UNSEEN, SEEN_IN_PART = "Nobody Looked Yet", "Seen In Part"
LOWER, UPPER, COURTSIDE = "Lower Bowl", "Upper Deck", "Courtside"
CLUB = "Club (40107)"  # as the marketplace's name is kept; it displays "Club"
VENUE = ZoneInfo("America/Chicago")
LAST_HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
FIRST_HOUR = LAST_HOUR - timedelta(days=8)
HOUR = timedelta(hours=1)
UNOBSERVED = [LAST_HOUR - timedelta(hours=hours) for hours in (*range(102, 109), *range(110, 113), 30)]
"""Hour 109 was observed. The day of three days ago, whatever the time is now, has every hour."""
ANNOUNCED = LAST_HOUR - timedelta(hours=30)  # the new event's first capture
LISTED_SINCE = LAST_HOUR - timedelta(hours=48)
SOLD_AT = LAST_HOUR - timedelta(hours=9)  # the first tick without the game's cheapest listing
JOKE_CENTS = 115_228_900
SOLD_OUT_SINCE = LAST_HOUR - timedelta(hours=40)  # Upper Deck; Courtside was never for sale

_ZONES = """
    insert into market.zones (event_key, external_id, name, display_name, display_order)
    select event_key, names.n, names.name, regexp_replace(names.name, ' [(].*', ''), names.n
    from market.events inner join (values
        (%(game)s, 1, 'Courtside'), (%(game)s, 2, 'Lower Bowl'), (%(game)s, 3, 'Upper Deck'), (%(play)s, 1, 'Stalls'),
        (%(play)s, 2, %(club)s), (%(new)s, 1, 'Floor'), (%(part)s, 1, 'Balcony')
    ) as names (event, n, name) on names.event = events.name
    order by event_key, names.n;
    insert into market.sections (event_key, zone_key, external_id, name)
    select event_key, zone_key, 100 * display_order + n, 'Section ' || 100 * display_order + n
    from market.zones, generate_series(1, 4) as n order by zone_key, n"""

_CAPTURES = """
    insert into market.captures (event_key, tick, status, fetched_at)
    select event_key, tick, case name when %(part)s then 'partial' else 'ok' end, tick
    from market.events, generate_series(%(first)s::timestamptz, %(last)s::timestamptz + interval '40 minutes',
        interval '20 minutes') as tick
    where (name in (%(game)s, %(play)s, %(part)s) or name = %(new)s and tick >= %(announced)s)
        and not (name = %(game)s and date_bin('1 hour', tick, '2000-01-01 00:00Z') = any(%(unobserved)s))"""

# a slow fall, a wave a day, a little noise: what a chart of a market looks like
_SNAPSHOTS = """
    insert into market.section_snapshots (
        tick, event_key, section_key, price_sum_cents, lowest_price_cents, highest_price_cents,
        lowest_price_1ticket_cents, lowest_price_2tickets_cents, lowest_price_4tickets_cents,
        lowest_all_in_price_cents, total_tickets, total_listings)
    select tick, event_key, section_key, low * 3 / 2 * listings, low,
        case when zones.name = 'Stalls' then %(joke)s else low * 2 end, low + 150 * noise, low,
        low + 1700 - 100 * noise, low * 5 / 4, 3 * listings + noise, listings
    from market.captures inner join market.sections using (event_key)
        inner join market.zones using (event_key, zone_key),
        lateral (select extract(epoch from %(last)s::timestamptz - tick) / 3600 as age) as aged,
        lateral (select 8 + (age / 20)::int as listings) as listed,
        lateral (select abs(hashint4(section_key + extract(epoch from tick)::int / 7200)) %% 9 as noise) as drawn,
        lateral (select (11000 - 1500 * display_order + 40 * age + 700 * sin(age * pi() / 12)
            + 60 * noise + 500 * (section_key %% 4))::int as low) as priced
    where zones.name <> 'Courtside' and not (zones.name = 'Upper Deck' and tick >= %(sold_out_since)s)
    order by tick, event_key, section_key"""


_SOLD_FIRST_HAND = """
    with event as (
        insert into box_office.stored_events (title, slug, venue, start_time, sales_are_public)
        values (%(play)s, 'play', 'United Center', now() + interval '3 days', true) returning id),
    tiers as (
        insert into box_office.stored_tiers (event_id, name, price, quantity)
        select id, name, price, quantity
        from event cross join (values ('Stalls', 80, 200), ('Standing', 40, 300)) as offered (name, price, quantity)
        returning id, event_id, name, price)
    insert into analytics.sales_by_hour
    select event_id, %(first)s, id, name, null, 50, 50 * price, 0, 0, now() from tiers"""

_SIDES_OF_THE_PLAY = """
    insert into market.event_sides (source, external_id, event_key, catalogue_event_id)
    select source, external_id, event_key, id from market.events where name = %(play)s
    union all
    select 'box_office', sold.id::text, null, events.id
    from market.events cross join box_office.stored_events as sold where name = %(play)s and slug = 'play'
    on conflict do nothing"""


def join_both_sides_of_the_play(connection: Connection) -> None:
    """Say that the play is sold here and resold. No link says so: whoever decides about a link undoes it."""
    connection.execute(_SIDES_OF_THE_PLAY, {"play": PLAY})


def in_words(hour: datetime) -> str:
    """An hour as the page writes it: in the time of the venue."""
    there = hour.astimezone(VENUE)
    return f"{there:%a, %b %-d, %Y, %-I:%M %p}"


def day_in_words(day: datetime) -> str:
    """A UTC day as the page writes it."""
    return f"{day:%a, %b %-d, %Y}"


def offers_at(hour: datetime, section: int, terms: dict[int, int]) -> dict[Offer, Prices]:
    """What the game's first section of the Lower Bowl offers in an hour; prices in cents, with fees a quarter more.

    One listing of each size. That of two is repriced every six hours. The cheapest, of two, is sold at SOLD_AT. One of
    two appears five hours after LISTED_SINCE.
    """
    steps = int((hour - LISTED_SINCE) / HOUR)
    prices = {"L1": (1, 9_000), "L2": (2, 8_000 + 100 * (steps // 6 % 5)), "L4": (4, 11_000)}
    if hour < SOLD_AT:
        prices["L0"] = (2, 6_500)
    if steps >= 5:
        prices["L5"] = (2, 14_000)
    return {(name, section, "A", terms[size]): (price, price * 5 // 4, 70) for name, (size, price) in prices.items()}


def build(connection: Connection) -> None:
    """Write the week, refresh the rollups as the pipeline does, and make schema api."""
    starts = LAST_HOUR + timedelta(days=2)  # before the simulator's events
    for number, name in enumerate((GAME, PLAY, NEW, UNSEEN, SEEN_IN_PART)):
        add_event(
            connection, f"week-{number}", name=name, venue="United Center", date=starts + number * timedelta(days=1)
        )
    values = {
        "game": GAME, "play": PLAY, "new": NEW, "part": SEEN_IN_PART, "club": CLUB, "joke": JOKE_CENTS,
        "first": FIRST_HOUR, "last": LAST_HOUR, "announced": ANNOUNCED, "unobserved": UNOBSERVED,
        "sold_out_since": SOLD_OUT_SINCE,
    }  # fmt: skip
    ensure_partitions(connection, [FIRST_HOUR, LAST_HOUR])
    with connection.transaction():
        for statement in (*_ZONES.split(";"), _CAPTURES, _SNAPSHOTS):
            connection.execute(statement, values)
    add_crowd(connection)
    add_fallen(connection, LAST_HOUR + timedelta(minutes=40))
    add_at_markets(connection, LAST_HOUR + timedelta(minutes=40))
    connection.execute("update market.events set currency = 'USD'")
    _list_the_game(connection)
    add_simulated_events(connection, LAST_HOUR + timedelta(minutes=40))
    run_dbt("run")
    connection.execute(_SOLD_FIRST_HAND, {"play": PLAY, "first": FIRST_HOUR})
    join_both_sides_of_the_play(connection)
    assert connection.execute("select count(*) from market.dirty_buckets").fetchone() == (0,)
    apply_api_schema(connection, Settings())


def _list_the_game(connection: Connection) -> None:
    """Write the listings of each observed hour, at its first capture, and at the last capture of all."""
    row = connection.execute(
        """select event_key, min(section_key) from market.events inner join market.zones using (event_key)
               inner join market.sections using (event_key, zone_key)
           where events.name = %s and zones.name = %s group by 1""",
        [GAME, LOWER],
    ).fetchone()
    assert row
    event, section = row
    keys = OfferTermsKeys(connection)
    terms = {size: keys[size, (size,)] for size in (1, 2, 4)}
    hours = [LISTED_SINCE + n * HOUR for n in range(49)]
    for tick in [*(hour for hour in hours if hour not in UNOBSERVED), LAST_HOUR + timedelta(minutes=40)]:
        with connection.transaction():
            lock_listing_history(connection, tick)
            seen = Observation(microseconds(tick), False, offers_at(tick, section, terms))
            write_observation(connection, tick, event, seen)
