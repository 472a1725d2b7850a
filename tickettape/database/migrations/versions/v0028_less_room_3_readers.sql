-- What reads the listing history reads both forms.

create or replace view market.listing_offers as
select
    changes.event_key,
    changes.tick,
    changes.partial,
    case
        when offer.place <= coalesce(changes.kept, 0) then 'stayed'
        when offer.place <= coalesce(changes.kept, 0) + changes.born then 'came'
        else 'went'
    end as what,
    offer.number,
    offer.listing_id,
    offer.section_key,
    offer.seat_row,
    offer.offer_terms_key,
    offer.price_cents,
    nullif(offer.all_in_price_cents, 0) as all_in_price_cents,
    nullif(offer.deal_score, -1) / 10.0 as deal_score,
    timestamptz 'epoch' + offer.since * interval '1 microsecond' as since,
    changes.date
from market.all_listing_changes as changes
cross join lateral unnest(
    changes.numbers, changes.listing_ids, changes.section_keys, changes.seat_rows, changes.offer_terms_keys,
    changes.prices_cents, changes.all_in_prices_cents, changes.deal_scores, changes.since
) with ordinality as offer (
    number, listing_id, section_key, seat_row, offer_terms_key, price_cents, all_in_price_cents, deal_score, since, place
);

create or replace view market.listing_moves as
select
    event_key,
    tick,
    listing_id,
    case
        when quantity_before is null then 'appeared'
        when quantity is null then 'went'
        when (section_key, seat_row) is distinct from (section_key_before, seat_row_before) then 'moved'
        when quantity < quantity_before then 'shrank'
        when quantity > quantity_before then 'grew'
        else 'changed its terms'
    end as what,
    coalesce(section_key, section_key_before) as section_key,
    coalesce(seat_row, seat_row_before) as seat_row,
    quantity,
    quantity_before,
    coalesce(price_cents, price_cents_before) as price_cents,
    -- whether what it lost is what one may buy of it
    coalesce(quantity_before - coalesce(quantity, 0) = any (buyable_before), false) as sellable,
    since,
    date
from (
    select
        offers.event_key,
        offers.date,
        offers.tick,
        offers.listing_id,
        max(offers.section_key) filter (where offers.what = 'came') as section_key,
        max(offers.section_key) filter (where offers.what = 'went') as section_key_before,
        max(offers.seat_row) filter (where offers.what = 'came') as seat_row,
        max(offers.seat_row) filter (where offers.what = 'went') as seat_row_before,
        max(terms.quantity) filter (where offers.what = 'came') as quantity,
        max(terms.quantity) filter (where offers.what = 'went') as quantity_before,
        max(terms.buyable) filter (where offers.what = 'went') as buyable_before,
        max(offers.price_cents) filter (where offers.what = 'came') as price_cents,
        max(offers.price_cents) filter (where offers.what = 'went') as price_cents_before,
        min(offers.since) as since
    from market.listing_offers as offers
    inner join market.offer_terms as terms on terms.offer_terms_key = offers.offer_terms_key
    where offers.what != 'stayed'
    group by offers.event_key, offers.date, offers.tick, offers.listing_id
) as pairs;

create or replace function market.listings_of(of_event integer, at_tick timestamptz) returns table (
    listing_id text, section_key integer, seat_row text, quantity integer, buyable integer[], price_cents integer,
    all_in_price_cents integer, deal_score numeric, since timestamptz
) language sql stable rows 500 as $$
    with history as materialized (
        select changes.*
        from market.all_listing_changes as changes
        where changes.event_key = of_event and changes.tick <= at_tick
            -- the day's first read answer is an image: nothing before it is needed
            and changes.date = (at_tick at time zone 'UTC')::date
            and changes.tick >= date_bin('1 day', at_tick, timestamptz '2000-01-01 00:00Z')
    ),
    -- One pass without a join: the planner cannot know how much comes out of the arrays.
    entries as (
        select history.tick, true as named, o.place <= coalesce(history.kept, 0) + history.born as stands,
            o.number, o.listing_id, o.section_key, o.seat_row, o.offer_terms_key, o.since, o.price, o.all_in, o.score
        from history
        cross join lateral unnest(
            history.numbers, history.listing_ids, history.section_keys, history.seat_rows, history.offer_terms_keys,
            history.prices_cents, history.all_in_prices_cents, history.deal_scores, history.since
        ) with ordinality as o (number, listing_id, section_key, seat_row, offer_terms_key, price, all_in, score, since, place)
        union all
        select history.tick, false, false, step.number, null, null, null, null, null, step.price, step.all_in, step.score
        from history
        cross join lateral unnest(history.changed, history.price_steps, history.all_in_steps, history.score_steps)
            as step (number, price, all_in, score)
    ),
    offers as (
        -- an offer as it was last named, with the steps of its prices since then
        select number, max(listing_id) as listing_id, max(section_key) as section_key, max(seat_row) as seat_row,
            max(offer_terms_key) as offer_terms_key, max(since) as since, sum(price)::integer as price,
            sum(all_in)::integer as all_in, sum(score)::integer as score
        from (
            select *, max(tick) filter (where named) over (partition by number) as named_at from entries
        ) as placed
        where tick > named_at or named and tick = named_at
        group by number
        having bool_or(stands)
    )
    select offers.listing_id, offers.section_key, offers.seat_row, terms.quantity, terms.buyable, offers.price,
        nullif(offers.all_in, 0), nullif(offers.score, -1) / 10.0,
        timestamptz 'epoch' + offers.since * interval '1 microsecond'
    from offers
    inner join market.offer_terms as terms on terms.offer_terms_key = offers.offer_terms_key
    where offers.number != all (coalesce((select history.unseen from history where history.tick = at_tick), '{}'))
$$;

create or replace function market.listing_history(event_id uuid, listing_id text) returns table (
    from_tick timestamptz, until_tick timestamptz, section text, seat_row text, quantity integer, buyable integer[],
    price numeric(10, 2), all_in_price numeric(10, 2), deal_score numeric
) language sql stable as $$
    with changes as materialized (
        -- joins, not `event_key = (select ...)`: joined laterally to several events, the first half of the union was then
        -- not read again for the second event (PostgreSQL 18.4)
        select c.* from market.listing_changes as c
        inner join market.events as e on e.event_key = c.event_key
        where e.id = listing_history.event_id
        union all
        -- the first delta of each day names every offer, so days that do not name the listing are not needed
        select c.* from market.packed_listing_changes as days
        inner join market.events as e on e.event_key = days.event_key
        cross join lateral market.deltas_of(days) as c
        where e.id = listing_history.event_id and listing_history.listing_id = any (days.listing_ids)
    ),
    offers as (
        select c.event_key, c.tick, o.place > coalesce(c.kept, 0) + c.born as went, o.*
        from changes as c
        cross join lateral unnest(c.numbers, c.listing_ids, c.section_keys, c.seat_rows, c.offer_terms_keys, c.prices_cents,
                                  c.all_in_prices_cents, c.deal_scores)
            with ordinality as o (number, listing, section_key, seat_row, offer_terms_key, price, all_in, score, place)
        where listing_history.listing_id = any (c.listing_ids) and o.listing = listing_history.listing_id
    ),
    steps as (
        select c.tick, s.* from changes as c
        cross join lateral unnest(c.changed, c.price_steps, c.all_in_steps, c.score_steps)
            as s (number, price, all_in, score)
        where c.changed && (select array_agg(distinct number) from offers)
            and s.number in (select number from offers)
    ),
    -- the offer that a step belongs to is the newest of its number
    stepped as (
        select steps.tick, o.tick as offered_at, o.event_key, o.number, o.section_key, o.seat_row, o.offer_terms_key,
            o.price + sum(steps.price) over of_offer as price,
            o.all_in + sum(steps.all_in) over of_offer as all_in,
            o.score + sum(steps.score) over of_offer as score
        from steps
        cross join lateral (
            select * from offers
            where offers.number = steps.number and offers.tick < steps.tick and not offers.went
            order by offers.tick desc limit 1
        ) as o
        window of_offer as (partition by o.number, o.tick order by steps.tick)
    ),
    states as (
        select tick, went, event_key, section_key, seat_row, offer_terms_key, price, all_in, score from offers
        -- a listing that went and came at one tick changed then
        where not went or not exists (
            select from offers as again where again.tick = offers.tick and not again.went)
        union all
        select tick, false, event_key, section_key, seat_row, offer_terms_key, price, all_in, score from stepped
        where not exists (select from offers where offers.tick = stepped.tick and not offers.went)
    ),
    new as (
        select *, lag((went, section_key, seat_row, offer_terms_key, price, all_in, score)) over (order by tick) as before
        from states
    ),
    spans as (
        select *, lead(tick) over (order by tick) as until_tick from new
        where before is distinct from (went, section_key, seat_row, offer_terms_key, price, all_in, score)
    )
    select spans.tick, spans.until_tick, s.name, spans.seat_row, terms.quantity, terms.buyable,
        round(spans.price / 100.0, 2), round(nullif(spans.all_in, 0) / 100.0, 2), nullif(spans.score, -1) / 10.0
    from spans
    inner join market.offer_terms as terms on terms.offer_terms_key = spans.offer_terms_key
    inner join market.sections as s on s.event_key = spans.event_key and s.section_key = spans.section_key
    where not spans.went
    order by spans.tick
$$;

create or replace function market.listings_at(event_id uuid, tick timestamptz) returns table (
    listing_id text, zone text, section text, section_id text, seat_row text, quantity integer, price numeric(10, 2),
    all_in_price numeric(10, 2), buyable integer[], deal_score numeric, first_seen_at timestamptz
) language plpgsql stable rows 500 as $$
#variable_conflict use_column
declare of_event integer := (select e.event_key from market.events as e where e.id = listings_at.event_id);
begin
    if of_event is null then
        raise exception 'There is no event % here', listings_at.event_id
            using hint = 'analytics.events has the id of every event';
    end if;
    if not exists (select from market.listing_ticks as l
                   where l.event_key = of_event and l.tick = listings_at.tick
                       and l.date = (listings_at.tick at time zone 'UTC')::date) then
        raise exception 'The listings of event % at % are not known: %', listings_at.event_id, listings_at.tick,
            coalesce((select 'its capture is ' || c.status || ', and nothing was read of it' from market.captures as c
                      where c.event_key = of_event and c.tick = listings_at.tick), 'it was not captured then')
            using hint = 'market.listing_ticks has a row for every tick that can be asked for; a month that is in '
                         'cold storage must be restored first';
    end if;
    return query
    select l.listing_id, z.name, s.name, s.external_id, l.seat_row, l.quantity, round(l.price_cents / 100.0, 2),
        round(l.all_in_price_cents / 100.0, 2), l.buyable, l.deal_score, l.since
    from market.listings_of(of_event, listings_at.tick) as l
    inner join market.sections as s on s.event_key = of_event and s.section_key = l.section_key
    inner join market.zones as z on z.event_key = of_event and z.zone_key = s.zone_key;
end $$;
