-- Packed listing history: an event's day of listing_changes as one row. Its arrays are those of the day's deltas, one
-- after the other, so that they are long enough to be compressed.
create table market.packed_listing_changes (
    date date not null,
    event_key integer not null,
    delta_count integer not null check (delta_count > 0),
    ok_count integer not null,
    -- of each delta
    ticks timestamptz[] not null,
    kept integer[] not null,
    born integer[] not null,
    partial boolean[] not null,
    offer_counts integer[] not null,
    step_counts integer[] not null,
    unseen_counts integer[] not null,
    -- of all deltas together
    numbers integer[] not null,
    listing_ids text[] not null,
    section_keys integer[] not null,
    seat_rows text[] not null,
    offer_terms_keys integer[] not null,
    prices_cents integer[] not null,
    all_in_prices_cents integer[] not null,
    deal_scores smallint[] not null,
    since bigint[] not null,
    changed integer[] not null,
    price_steps integer[] not null,
    all_in_steps integer[] not null,
    score_steps smallint[] not null,
    unseen integer[] not null,
    primary key (event_key, date)
) partition by range (date);
comment on table market.packed_listing_changes is
    'The listing history of past days: one row per event and UTC day, with the arrays of its deltas one after the other';
comment on column market.packed_listing_changes.delta_count is 'How many rows of listing_changes it holds';
comment on column market.packed_listing_changes.ok_count is 'How many of them are not partial';
comment on column market.packed_listing_changes.offer_counts is
    'How many offers each delta has; null: its arrays are null';

-- The rows of listing_changes that a packed day was made of.
create function market.deltas_of(of_day market.packed_listing_changes) returns setof market.listing_changes
language sql stable rows 144 as $$
    -- the whole slice decompresses an array once, and not once for each delta
    with whole as materialized (
        select
            of_day.numbers[:] as numbers,
            of_day.listing_ids[:] as listing_ids,
            of_day.section_keys[:] as section_keys,
            of_day.seat_rows[:] as seat_rows,
            of_day.offer_terms_keys[:] as offer_terms_keys,
            of_day.prices_cents[:] as prices_cents,
            of_day.all_in_prices_cents[:] as all_in_prices_cents,
            of_day.deal_scores[:] as deal_scores,
            of_day.since[:] as since,
            of_day.changed[:] as changed,
            of_day.price_steps[:] as price_steps,
            of_day.all_in_steps[:] as all_in_steps,
            of_day.score_steps[:] as score_steps,
            of_day.unseen[:] as unseen
    ),
    deltas as (
        select
            delta.*,
            coalesce(sum(delta.offer_count) over before, 0) as offers_before,
            coalesce(sum(delta.step_count) over before, 0) as steps_before,
            coalesce(sum(delta.unseen_count) over before, 0) as unseen_before
        from unnest(
            of_day.ticks, of_day.kept, of_day.born, of_day.partial, of_day.offer_counts, of_day.step_counts,
            of_day.unseen_counts
        ) with ordinality as delta (tick, kept, born, partial, offer_count, step_count, unseen_count, place)
        window before as (order by delta.place rows between unbounded preceding and 1 preceding)
    ),
    bounds as (
        select
            deltas.*,
            (offers_before + 1)::integer as first_offer,
            (offers_before + offer_count)::integer as last_offer,
            (steps_before + 1)::integer as first_step,
            (steps_before + step_count)::integer as last_step,
            (unseen_before + 1)::integer as first_unseen,
            (unseen_before + unseen_count)::integer as last_unseen
        from deltas
    )
    -- a slice is null if one of its bounds is
    select
        bounds.tick,
        of_day.event_key,
        bounds.kept,
        bounds.born,
        bounds.partial,
        whole.numbers[bounds.first_offer:bounds.last_offer],
        whole.listing_ids[bounds.first_offer:bounds.last_offer],
        whole.section_keys[bounds.first_offer:bounds.last_offer],
        whole.seat_rows[bounds.first_offer:bounds.last_offer],
        whole.offer_terms_keys[bounds.first_offer:bounds.last_offer],
        whole.prices_cents[bounds.first_offer:bounds.last_offer],
        whole.all_in_prices_cents[bounds.first_offer:bounds.last_offer],
        whole.deal_scores[bounds.first_offer:bounds.last_offer],
        whole.since[bounds.first_offer:bounds.last_offer],
        whole.changed[bounds.first_step:bounds.last_step],
        whole.price_steps[bounds.first_step:bounds.last_step],
        whole.all_in_steps[bounds.first_step:bounds.last_step],
        whole.score_steps[bounds.first_step:bounds.last_step],
        whole.unseen[bounds.first_unseen:bounds.last_unseen]
    from bounds cross join whole
$$;

create view market.all_listing_changes with (security_invoker) as
select changes.*, (changes.tick at time zone 'UTC')::date as date
from market.listing_changes as changes
union all
-- days.event_key, not deltas.event_key: a condition on it is to find the days
select
    deltas.tick,
    days.event_key,
    deltas.kept,
    deltas.born,
    deltas.partial,
    deltas.numbers,
    deltas.listing_ids,
    deltas.section_keys,
    deltas.seat_rows,
    deltas.offer_terms_keys,
    deltas.prices_cents,
    deltas.all_in_prices_cents,
    deltas.deal_scores,
    deltas.since,
    deltas.changed,
    deltas.price_steps,
    deltas.all_in_steps,
    deltas.score_steps,
    deltas.unseen,
    days.date
from market.packed_listing_changes as days cross join lateral market.deltas_of(days) as deltas;
comment on view market.all_listing_changes is
    'The listing history, stored as rows or packed. Name the date beside the tick: without it, every packed day is unpacked';

-- When an event was read, without what the answers changed: this unpacks little.
create view market.listing_ticks with (security_invoker) as
select event_key, tick, kept, partial, (tick at time zone 'UTC')::date as date
from market.listing_changes
union all
select days.event_key, delta.tick, delta.kept, delta.partial, days.date
from market.packed_listing_changes as days
cross join lateral unnest(days.ticks, days.kept, days.partial) as delta (tick, kept, partial);
comment on view market.listing_ticks is 'The ticks of the listing history, of rows and of packed days. Name the date beside the tick';

-- The last tick of an event's listing history before an instant.
create function market.listing_tick_before(of_event integer, before timestamptz) returns timestamptz
language sql stable as $$
    select greatest(
        (select max(tick) from market.listing_changes where event_key = of_event and tick < before),
        (
            select max(delta.tick)
            from (
                select ticks from market.packed_listing_changes
                where event_key = of_event and date <= (before at time zone 'UTC')::date
                order by date desc limit 2  -- the first of them may begin later in its day
            ) as days
            cross join lateral unnest(days.ticks) as delta (tick)
            where delta.tick < before
        )
    )
$$;

-- The ok observations of an event just before an instant, and from an instant on: at most so many.
create function market.ok_ticks_before(of_event integer, before timestamptz, most integer) returns setof timestamptz
language sql stable rows 3 as $$
    select tick
    from (
        (
            select tick from market.listing_changes
            where event_key = of_event and tick < before and not partial
            order by tick desc limit most
        )
        union all
        select delta.tick
        from (
            select ticks, partial from market.packed_listing_changes
            where event_key = of_event and date <= (before at time zone 'UTC')::date and ok_count > 0
            order by date desc limit most + 1
        ) as days
        cross join lateral unnest(days.ticks, days.partial) as delta (tick, partial)
        where delta.tick < before and not delta.partial
    ) as in_both
    order by tick desc limit most
$$;

create function market.ok_ticks_from(of_event integer, first timestamptz, most integer) returns setof timestamptz
language sql stable rows 3 as $$
    select tick
    from (
        (
            select tick from market.listing_changes
            where event_key = of_event and tick >= first and not partial
            order by tick limit most
        )
        union all
        select delta.tick
        from (
            select ticks, partial from market.packed_listing_changes
            where event_key = of_event and date >= (first at time zone 'UTC')::date and ok_count > 0
            order by date limit most + 1
        ) as days
        cross join lateral unnest(days.ticks, days.partial) as delta (tick, partial)
        where delta.tick >= first and not delta.partial
    ) as in_both
    order by tick limit most
$$;
