alter table market.captures add column left_out_listings integer;
comment on column market.captures.left_out_listings is
    'Listings of the answer that could not be read and were left out. Null: not known';

-- A placeholder is no date: an event whose date is to be determined has none.
alter table market.events
    alter column date drop not null,
    add column date_status text not null default 'known'
    check (date_status in ('known', 'time_tbd', 'date_tbd', 'postponed')),
    add check ((date is null) = (date_status in ('date_tbd', 'postponed')));

create function market.watched_until(date timestamptz, date_status text, venue_time_zone text) returns timestamptz
language plpgsql immutable parallel safe as $$
begin
    if date is null then
        return 'infinity';
    elsif date_status = 'known' then
        return date;
    elsif venue_time_zone is null then
        return date + interval '24 hours';
    end if;
    return (date_trunc('day', date at time zone venue_time_zone) + interval '1 day') at time zone venue_time_zone;
exception when invalid_parameter_value then
    return date + interval '24 hours';
end
$$;
comment on function market.watched_until is
    'Until when an event is watched: its begin; where its time is to be determined, the end of its day at the venue '
    '(in an unknown time zone that is within 24 hours); where its date is, until the marketplace no longer knows it';
alter table market.events add column watched_until timestamptz not null
    generated always as (market.watched_until(date, date_status, venue_time_zone)) stored;
