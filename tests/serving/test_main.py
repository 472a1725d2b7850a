"""What `python -m serving` does beside serving."""

import httpx

from serving.__main__ import demo_key
from tests.support.served_market import serving
from tickettape.database import Connection


def test_the_demonstration_has_one_valid_key(connection: Connection, database_url: str) -> None:
    first, second = demo_key(connection), demo_key(connection)
    with serving(database_url) as url:
        statuses = [httpx.get(f"{url}/api/events", headers={"x-api-key": key}).status_code for key in (first, second)]
    assert statuses == [401, 200]
