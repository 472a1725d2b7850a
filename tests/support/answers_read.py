"""An answer of the simulator, changed and read."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tickettape.marketplaces import Inventory
from tickettape.marketplaces.simulator import Market, answers
from tickettape.marketplaces.storable import storable_inventory
from tickettape.marketplaces.vividseats.read_listings import read_listings

AT = datetime(2026, 10, 31, 23, 50, tzinfo=UTC)
MARKET = Market(seed=7, events=6)
PRODUCTION = MARKET.productions(AT)[2]
PRODUCTION_ID = str(PRODUCTION.production_id)
BODY = answers.listings(MARKET, PRODUCTION, AT)
Change = Callable[[dict[str, Any]], object]


def read(change: Change | None = None, tolerance: float = 0.05) -> Inventory:
    answer = json.loads(BODY)
    if change is not None:
        change(answer)
    body = json.dumps(answer).encode()
    return storable_inventory(read_listings(body, PRODUCTION_ID, tolerance), body, tolerance)


def item(**changes: Any) -> bytes:
    return json.dumps(json.loads(answers.details(MARKET, PRODUCTION, AT)) | changes).encode()
