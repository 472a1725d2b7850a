-- The field's words: tables and columns are called as docs/glossary.md calls them. Nothing but names changes.
-- Months in cold storage keep the names they were archived with; a restore knows both (tickettape/archive).

alter table market.looks rename to poll_schedule;
alter index market.looks_pkey rename to poll_schedule_pkey;
alter table market.poll_schedule rename column looked_tick to polled_tick;
alter table market.poll_schedule rename column put_off to deferred;
alter table market.poll_schedule rename column hurried to advanced;
comment on table market.poll_schedule is 'When each watched event is polled next, and why: the newest decision';

alter table market.alerts rename to incidents;
alter index market.alerts_pkey rename to incidents_pkey;
alter index market.alerts_about_idx rename to incidents_about_idx;
alter table market.incidents rename column alert_id to incident_id;
comment on table market.incidents is 'What was wrong, since when, when operators were told, and when it ended';

alter table market.listing_heads rename to listing_latest_states;
alter index market.listing_heads_pkey rename to listing_latest_states_pkey;

alter table market.lots rename to offer_terms;
alter index market.lots_pkey rename to offer_terms_pkey;
alter index market.lots_quantity_buyable_key rename to offer_terms_quantity_buyable_key;
alter table market.offer_terms rename column lot_key to offer_terms_key;
comment on table market.offer_terms is 'How many tickets an offer has, and how many of them one may buy';
alter table market.listing_changes rename column lot_keys to offer_terms_keys;
alter table market.voided_listings rename column lot_keys to offer_terms_keys;
alter view market.listing_offers rename column lot_key to offer_terms_key;

alter table market.captures rename column stated_group_tickets to stated_zone_tickets;

-- A rule is about an event; only Vivid Seats calls it a production.
alter table market.tracked_rules drop constraint tracked_rules_kind_check;
update market.tracked_rules set kind = 'event' where kind = 'production';
alter table market.tracked_rules add constraint tracked_rules_kind_check
    check (kind in ('event', 'performer', 'venue', 'search'));

create or replace function market.listings_of(of_event integer, at_tick timestamptz) returns table (
    listing_id text, section_key integer, seat_row text, quantity integer, buyable integer[], price_cents integer,
    all_in_price_cents integer, deal_score numeric, since timestamptz
) language sql stable rows 500 as $$
    with history as materialized (
        select changes.*
        from market.listing_changes as changes
        where changes.event_key = of_event and changes.tick <= at_tick
            -- the day's first read answer is an image: nothing before it is needed
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
            max(offer_terms_key) as offer_terms_key, max(since) as since, sum(price)::integer as price, sum(all_in)::integer as all_in,
            sum(score)::integer as score
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
        select c.* from market.listing_changes as c
        inner join market.events as e on e.event_key = c.event_key
        where e.id = listing_history.event_id
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
