"""What answers say of themselves, compared with what was read."""

from typing import Any

from orchestration import checks
from tests.support.failed_checks import tells_what_to_do
from tests.support.markets import watching
from tests.support.refused_answers import MARKET, answered, change_currency, read
from tickettape.database import Connection, Warehouse


def test_the_reconciliation_shows_the_answers_own_totals_by_zones_by_sections_and_in_all(
    warehouse: Warehouse, connection: Connection
) -> None:
    def hide_a_group(answer: dict[str, Any]) -> None:
        group = max(answer["groups"], key=lambda group: int(group["q"]))
        group["q"] = str(int(group["q"]) + 1000)

    def check() -> Any:
        return checks.reconciliation(warehouse=warehouse, marketplaces=watching(MARKET))

    good, _ = answered(connection, None, hide_a_group)
    connection.execute("update market.captures set status = 'failed' where event_key != %s", [good])
    read(connection)
    result = check()
    assert result.passed
    figures = {name: value.value for name, value in result.metadata.items()}
    assert figures["events"] == 1
    tickets = [figures[f"tickets {word}"] for word in ("stated", "stated by zones", "stated by sections", "counted")]
    assert len(set(tickets)) == 1
    assert tickets[0] == figures["tickets stored"] > 100

    connection.execute("update market.captures set status = 'received' where event_key != %s", [good])
    read(connection)
    result = check()
    assert not result.passed
    figures = {name: value.value for name, value in result.metadata.items()}
    assert (figures["events"], figures["partial answers"]) == (2, 1)
    assert figures["tickets stated by zones"] == figures["tickets counted"] + 1000
    assert figures["tickets stated"] == figures["tickets stated by sections"] == figures["tickets counted"]
    assert "1 of 2 answers" in str(result.description)
    assert tells_what_to_do(result.description)


def test_answers_that_are_refused_warn_with_their_first_reason(warehouse: Warehouse, connection: Connection) -> None:
    def check() -> Any:
        return checks.answers_understood(warehouse=warehouse, marketplaces=watching(MARKET))

    assert check().passed  # nothing was read yet
    answered(connection, None, change_currency)
    assert check().passed
    read(connection)
    result = check()
    assert not result.passed
    assert "1 of 2 answers were refused" in result.description
    assert "in CAD instead of USD" in result.description
    assert tells_what_to_do(result.description)
    connection.execute("update market.captures set status = 'ok'")
    assert check().passed
