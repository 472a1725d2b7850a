select
    scope,
    as_of,
    odds_ratio,
    low,
    high,
    verdict,
    sales,
    listings,
    events
from {{ ref('stg_market__price_elasticities') }}
where sales >= 50
