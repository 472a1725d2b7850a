"""Fields that are new in answers are noted once."""

from typing import Any

from tests.support.refused_answers import MARKET, TICK, answered, read
from tickettape.database import Connection


def test_s4_a_new_field_is_noted_once_and_a_marketplaces_first_answers_are_no_news(connection: Connection) -> None:
    def lines() -> list[Any]:
        return connection.execute("select level, message, metadata from market.scraper_logs order by id").fetchall()

    def add_field(answer: dict[str, Any]) -> None:
        answer["tickets"][-1]["surprise"] = "1"

    answered(connection, None)
    read(connection)
    assert lines() == []
    [_, event] = answered(connection, None, add_field)
    assert read(connection) == {event: "ok"}
    [(level, message, metadata)] = lines()
    assert (level, metadata) == ("WARNING", {"new fields": ["tickets.surprise"]})
    assert "never seen before: tickets.surprise" in message
    read(connection, again=True)
    assert len(lines()) == 1
    noted = connection.execute(
        """select external_id from market.answer_fields where field = 'tickets.surprise'"""
    ).fetchall()
    assert noted == [(str(MARKET.market.productions(TICK)[1].production_id),)]
