-- A listing that stands does not come again before it went: no two states of it overlap.
with named as (
    select
        event_key,
        listing_id,
        tick,
        what,
        lag(what) over (
            partition by event_key, listing_id, date_trunc('day', tick, 'UTC')
            order by tick, what = 'came'
        ) as what_before
    from {{ source('market', 'listing_offers') }}
    where tick >= date_trunc('day', market.tests_since(), 'UTC')
)

select *
from named
where (what in ('came', 'stayed') and what_before in ('came', 'stayed'))
    or (what = 'went' and what_before = 'went')
