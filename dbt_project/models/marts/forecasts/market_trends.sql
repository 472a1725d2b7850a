select
    scope,
    days,
    as_of,
    change,
    low,
    high,
    trend,
    sell_through,
    events
from {{ ref('stg_market__market_trends') }}
