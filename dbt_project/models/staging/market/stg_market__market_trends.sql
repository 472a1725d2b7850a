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
from {{ source('market', 'market_trends') }}
