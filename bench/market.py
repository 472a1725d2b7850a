"""A market of a chosen size, made inside Postgres: events × sections × ticks."""

from datetime import UTC, datetime, timedelta

from tickettape.database import Connection, ensure_partitions

EVENTS, ZONES, SECTIONS = 100, 10, 60  # 100 events as in R-063, and the 60 sections of a real answer
START = datetime(2026, 10, 20, tzinfo=UTC)
TICK = timedelta(minutes=10)


def add_catalogue(connection: Connection, events: int = EVENTS) -> None:
    """Events, zones and sections, with keys 1, 2, 3, …"""
    connection.execute(
        f"""insert into market.events (source, external_id, name, venue, date)
            select 'bench', n, 'Event ' || n, 'The Hall', '2027-06-01' from generate_series(1, {events}) as n;
            insert into market.zones (event_key, external_id, name, display_name, display_order)
            select event_key, n, 'Zone ' || n, 'Zone ' || n, n
            from market.events, generate_series(1, {ZONES}) as n order by event_key, n;
            insert into market.sections (event_key, zone_key, external_id, name)
            select event_key, zone_key, n, 'Section ' || n
            from market.zones, generate_series(1, {SECTIONS // ZONES}) as n order by event_key, zone_key, n;
            analyze market.events, market.zones, market.sections"""  # noqa: S608
    )


def add_ticks(connection: Connection, first: int, last: int, *, mark: bool = False) -> datetime:
    """The facts of ticks first … last (numbers from START, last excluded); the newest tick.

    Prices walk, a fifth of the group prices is NULL. Without `mark` the triggers are off, as in a bulk load.
    """
    ticks = [START + number * TICK for number in range(first, last)]
    ensure_partitions(connection, ticks)
    with connection.transaction():
        if not mark:
            connection.execute("set local session_replication_role = replica")
        connection.execute(
            """insert into market.captures (event_key, tick, status, fetched_at)
               select event_key, tick, 'ok', tick
               from generate_series(%s::timestamptz, %s, interval '10 minutes') as tick, market.events
               order by tick, event_key""",
            [ticks[0], ticks[-1]],
        )
        connection.execute(
            """insert into market.section_snapshots (
                   tick, price_sum_cents, event_key, section_key, lowest_price_cents, highest_price_cents,
                   lowest_price_1ticket_cents, lowest_price_2tickets_cents, lowest_price_4tickets_cents,
                   lowest_all_in_price_cents, total_tickets, total_listings)
               select tick, low * 12, event_key, section_key, low, low + 9000,
                   case when h %% 5 > 0 then low + 100 end, low,
                   case when h %% 5 < 4 then low + 500 end, low * 5 / 4, 20 + h %% 17, 8
               from generate_series(%s::timestamptz, %s, interval '10 minutes') as tick, market.sections,
                   lateral (select abs(hashint4(section_key * 7919 + (extract(epoch from tick) / 3600)::int)) as h) x,
                   lateral (select 5000 + h %% 9000 as low) y
               order by tick, event_key, section_key""",
            [ticks[0], ticks[-1]],
        )
    connection.execute("vacuum (analyze) market.captures")
    connection.execute("vacuum (analyze) market.section_snapshots")
    return ticks[-1]
