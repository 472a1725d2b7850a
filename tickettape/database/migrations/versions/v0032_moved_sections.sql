-- A section that is shown in another zone changes every hour that has it, packed hours too. It also changes the hour in
-- which its listings were seen to be gone: that of the next complete capture, however much later it is.
create or replace function market.mark_moved_sections() returns trigger language plpgsql as $$
begin
    insert into market.dirty_buckets (rollup, event_key, bucket)
    with moved as materialized (
        select event_key, section_key
        from now_moved inner join was_moved using (event_key, section_key)
        where now_moved.zone_key != was_moved.zone_key
    ),
    facts as (
        select facts.event_key, facts.tick
        from moved inner join market.section_snapshots as facts using (event_key, section_key)
        union all
        select days.event_key, of_day.tick
        from market.packed_days as days
        cross join lateral unnest(days.section_keys, days.ticks) as of_day (section_key, tick)
        where days.event_key in (select event_key from moved)
            and (days.event_key, of_day.section_key) in (select event_key, section_key from moved)
    ),
    seen as (
        select event_key, date_bin('1 hour', tick, timestamptz '2000-01-01 00:00Z') as hour, max(tick) as last_tick
        from facts
        group by 1, 2
    ),
    hours as (
        select event_key, hour from seen
        union
        select seen.event_key, date_bin('1 hour', complete.tick, timestamptz '2000-01-01 00:00Z')
        from seen
        cross join lateral (
            select captures.tick
            from market.captures as captures
            where captures.event_key = seen.event_key and captures.tick > seen.last_tick
                and captures.status in ('ok', 'empty')
            order by captures.tick
            limit 1
        ) as complete
    )
    select rollups.rollup, hours.event_key, hours.hour
    from hours
    cross join unnest(array['event_hours', 'price_distribution', 'inventory_changes', 'listing_departures'])
        as rollups (rollup)
    where market.month_is_writable(hours.hour);
    return null;
end $$;
