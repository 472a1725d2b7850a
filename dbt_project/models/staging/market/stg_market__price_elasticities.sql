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
from {{ source('market', 'price_elasticities') }}
