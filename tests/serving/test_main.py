"""What `python -m serving` does beside serving."""

from serving.__main__ import demo_key
from tickettape.api_schema import list_keys
from tickettape.database import Connection
from tickettape.settings import Settings


def test_on_a_real_marketplace_there_is_no_demo_key_and_an_earlier_one_ends(connection: Connection) -> None:
    assert demo_key(connection, Settings())
    assert [key.revoked_at for key in list_keys(connection)] == [None]
    real = Settings(marketplaces={"simulator": {}, "vividseats": {"url": "http://127.0.0.1:9"}})
    assert demo_key(connection, real) is None
    assert all(key.revoked_at for key in list_keys(connection))
