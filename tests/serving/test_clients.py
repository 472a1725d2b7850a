"""Clients generated from OpenAPI read everything, page by page, with typed rows. A field renamed is noticed."""

import copy
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.described_answers import Document
from tests.support.generated_clients import PythonClient, Row, StepFailedError, TypeScriptClient
from tests.support.served_market import ADD_PAST, ADD_SALE, EVERYONE, Ask, add_another_source, add_links
from tests.support.tools import needs_typescript
from tickettape.api_schema import create_key
from tickettape.database import Connection

CLIENTS = [PythonClient, pytest.param(TypeScriptClient, marks=needs_typescript)]
DAY = {"start_date": "2026-11-20", "end_date": "2026-11-20"}
SERIES = {
    "get-in": "get_get_in_prices", "price-distribution": "get_price_distribution",
    "inventory-changes": "get_inventory_changes", "estimated-sales": "get_estimated_sales",
    "days-on-market": "get_days_on_market", "price-spread": "get_price_spread",
}  # fmt: skip


@pytest.fixture
def document(service: str) -> Document:
    """The running service's own document."""
    return dict(httpx.get(f"{service}/openapi.json").json())


def expected(get: Ask) -> dict[str, list[Any]]:
    """All rows by their operation, from pages that hold everything."""
    rows: defaultdict[str, list[Any]] = defaultdict(list)
    for event in get("/api/events").json()["data"]:
        rows["list_events"].append(event)
        of = f"/api/events/{event['id']}"
        rows["get_event"].append(get(of).json())
        rows["list_zones"] += get(f"{of}/zones").json()["data"]
        rows["get_latest_prices"] += get(f"{of}/latest").json()["data"]
        for name in ("price_trends", "group_prices", "ticket_counts"):
            path = f"/api/analytics/{name.replace('_', '-')}"
            rows[f"get_{name}"] += get(path, event_id=event["id"], **DAY).json()["data"]
        for name, operation in SERIES.items():
            rows[operation] += get(f"{of}/{name}", **DAY).json()["data"]
        rows["list_across_markets"] += get(f"{of}/across-markets").json()["data"]
        rows["list_shared_offers"] += get(f"{of}/shared-offers").json()["data"]
        for listing in get(f"{of}/listings").json()["data"]:
            rows["list_listings"].append(listing)
            rows["get_listing_history"] += get(f"{of}/listings/{listing['listing_id']}/history").json()["data"]
    rows["list_board"] = get("/api/board").json()["data"]
    rows["list_links"] = get("/api/links").json()["data"]
    rows["list_movers"] = get("/api/movers", days=1).json()["data"]
    return ageless(rows)


def by_operation(read: list[Row]) -> dict[str, list[Any]]:
    """The rows that were read by their operation. Each field used by name had a value."""
    rows: defaultdict[str, list[Any]] = defaultdict(list)
    for operation, row, field in read:
        assert field is not None, (operation, row)
        rows[operation].append(row)
    return ageless(rows)


def ageless(rows: dict[str, list[Any]]) -> dict[str, list[Any]]:
    """The rows without what changes by the minute."""
    return {name: [dict(row, age_minutes=None) for row in of_operation] for name, of_operation in rows.items()}


@pytest.mark.parametrize("make", CLIENTS)
def test_a_generated_client_pages_through_everything_with_typed_rows(
    service: str,
    document: Document,
    ask: Callable[[str], Ask],
    connection: Connection,
    tmp_path: Path,
    make: type[PythonClient | TypeScriptClient],
) -> None:
    for statements in (ADD_PAST, ADD_SALE, ADD_SALE.replace("= '1'", "= '2'").replace("'Lower'", "'Floor'")):
        connection.execute(statements)
    add_another_source(connection)
    add_links(connection)
    client = make(document, tmp_path / "client")
    client.check()
    read = client.read(service, create_key(connection, EVERYONE))
    assert by_operation(read) == expected(ask(EVERYONE))
    assert all(len(rows) > 1 for rows in by_operation(read).values())


@pytest.mark.parametrize("make", CLIENTS)
def test_control_a_field_renamed_in_the_schema_is_noticed_by_the_clients_types(
    document: Document, tmp_path: Path, make: type[PythonClient | TypeScriptClient]
) -> None:
    renamed = copy.deepcopy(document)
    fields = renamed["components"]["schemas"]["LatestPrice"]["properties"]
    fields["price"] = fields.pop("last_price")
    with pytest.raises(StepFailedError, match="last_price"):
        make(renamed, tmp_path / "client").check()


def test_control_a_field_renamed_in_the_answer_is_noticed_by_the_client(
    service: str, document: Document, connection: Connection, tmp_path: Path
) -> None:
    connection.execute("alter view api.latest_prices rename column last_price to price")
    with pytest.raises(StepFailedError, match="last_price"):
        PythonClient(document, tmp_path / "client").read(service, create_key(connection, EVERYONE))
