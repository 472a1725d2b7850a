"""The rollups against a recomputation from the facts alone, both ways; short, and in other words than the models'."""

from orchestration.warehouse import Connection, marks

HOURS = """
    select e.id, z.name, date_trunc('hour', s.tick, 'UTC') as hour, min(s.lowest_price_cents),
        max(s.highest_price_cents), sum(s.price_sum_cents), sum(s.total_listings), sum(s.total_tickets)
    from market.section_snapshots s
    join market.captures c using (event_key, tick)
    join market.events e using (event_key)
    join market.sections se using (event_key, section_key)
    join market.zones z using (event_key, zone_key)
    where c.status in ('ok', 'empty')
    group by 1, 2, 3"""
ROLLED_HOURS = """
    select event_id, zone, hour, min_price * 100, max_price * 100, price_sum_cents, listings_seen, tickets_seen
    from analytics.aggregated_analytics"""
OBSERVED = """
    select e.id, date_trunc('hour', c.tick, 'UTC'), count(*) filter (where c.status in ('ok', 'empty')),
        count(*) filter (where c.status = 'partial'), count(*) filter (where c.status = 'void')
    from market.captures c join market.events e using (event_key)
    where c.status != 'received' group by 1, 2"""
ROLLED_OBSERVED = "select event_id, hour, ok_captures, partial_captures, voided_captures from analytics.event_hours"
LATEST = """
    select e.id, z.name, c.tick, coalesce(sum(s.total_tickets), 0)
    from market.events e
    join lateral (select tick from market.captures c where c.event_key = e.event_key and c.status in ('ok', 'empty')
                  order by tick desc limit 1) c on true
    join market.zones z on z.event_key = e.event_key
    left join (market.section_snapshots s join market.sections se using (event_key, section_key))
        on s.event_key = e.event_key and s.tick = c.tick and se.zone_key = z.zone_key
    where exists (select from market.section_snapshots p join market.sections ps using (event_key, section_key)
                  join market.captures pc using (event_key, tick)
                  where p.event_key = e.event_key and ps.zone_key = z.zone_key and pc.status = 'ok')
    group by 1, 2, 3"""
ROLLED_LATEST = "select event_id, zone, timestamp, total_tickets from analytics.latest_prices"


def assert_exact(connection: Connection) -> None:
    """Every rollup equals what the facts say, and no mark is left."""
    assert marks.pending(connection) == {}
    for facts, rollup in ((HOURS, ROLLED_HOURS), (OBSERVED, ROLLED_OBSERVED), (LATEST, ROLLED_LATEST)):
        for one, other in ((facts, rollup), (rollup, facts)):
            assert connection.execute(f"({one}) except all ({other})").fetchall() == []
    days = """select event_id, zone, (hour at time zone 'UTC')::date, min(min_price), max(max_price), max(peak_tickets)
              from analytics.aggregated_analytics group by 1, 2, 3"""
    rolled = """select event_id, zone, date, daily_min_price, daily_max_price, peak_tickets
                from analytics.daily_analytics"""
    for one, other in ((days, rolled), (rolled, days)):
        assert connection.execute(f"({one}) except all ({other})").fetchall() == []
