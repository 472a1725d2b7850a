"""HTTP as its standard has it: HEAD, conditions, encodings, instants in URLs, and what a spreadsheet makes of CSV."""

import csv
import io
from collections.abc import Callable
from typing import Any

import httpx

from tests.serving.test_access import paths_of
from tests.support.markets import NOON
from tests.support.served_market import EVERYONE, Ask, id_of
from tickettape.api_schema import create_key
from tickettape.database import Connection


def test_head_is_get_without_its_body_on_every_path(service: str, connection: Connection) -> None:
    key, one = create_key(connection, EVERYONE), id_of(connection, "1")
    open_to_all = ["/health", "/metrics", "/openapi.json", "/", "/events/none", "/site/key", "/site/shared/api.js"]
    with httpx.Client(base_url=service, headers={"x-api-key": key}) as client:
        for path in [*paths_of(one), "/api/events?limit=1", *open_to_all, "/docs/data", "/api/nowhere"]:
            get, head = client.get(path), client.head(path)
            assert (head.status_code, head.content) == (get.status_code, b""), path
            for name in ("content-type", "etag", "vary", "location"):
                assert head.headers.get(name) == get.headers.get(name), path
            if path != "/metrics":  # which counts both
                assert head.headers["content-length"] == get.headers["content-length"], path
        stream = client.head(f"/api/events/{one}/stream")  # it ends, as a stream does not
        assert (stream.status_code, stream.headers["content-type"][:17]) == (200, "text/event-stream")
        assert client.get("/health").status_code == 200  # over the same connection


def test_another_method_is_told_which_there_are(service: str) -> None:
    refused = httpx.post(f"{service}/health")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


def test_conditions_are_compared_as_the_standard_says(ask: Callable[[str], Ask], connection: Connection) -> None:
    get = ask(EVERYONE)
    for path in [*paths_of(id_of(connection, "1")), "/api/events"]:
        whole = get(path)
        weak = whole.headers["etag"]
        strong = weak.removeprefix("W/")
        for condition in (weak, strong, "*", f'"another", {weak}', f'W/"a,b",{strong}'):
            same = get(path, {"if-none-match": condition})
            assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", weak), condition
            assert same.headers["vary"] == whole.headers["vary"]
            assert same.headers["cache-control"] == whole.headers["cache-control"]
        for condition in ('"another"', "", strong.strip('"'), f"W/{strong[:-2]}"):
            assert get(path, {"if-none-match": condition}).status_code == 200, condition


def test_any_version_of_nothing_is_still_nothing(ask: Callable[[str], Ask], connection: Connection) -> None:
    get, nobody = ask(EVERYONE), "00000000-0000-0000-0000-000000000000"
    for path in (f"/api/events/{nobody}", f"/api/analytics/price-trends?event_id={nobody}"):
        assert get(path, {"if-none-match": "*"}).status_code == 404
    nowhere = f"/api/analytics/price-trends?event_id={id_of(connection, '1')}&zone=Nowhere"
    assert get(nowhere, {"if-none-match": "*"}).status_code == 404


def test_gzip_is_sent_to_those_alone_who_accept_it(ask: Callable[[str], Ask], connection: Connection) -> None:
    get = ask(EVERYONE)
    question: dict[str, Any] = {"event_id": id_of(connection, "1"), "fill": True, "start_date": "2026-11-20"}
    for accepted in ("gzip", "br, gzip;q=0.5", "*", "GZIP", "gzip; q=1"):
        answer = get("/api/analytics/price-trends", {"accept-encoding": accepted}, **question)
        assert answer.headers.get("content-encoding") == "gzip", accepted
    for accepted in ("gzip;q=0", "gzip; Q=0.0, *", "*;q=0", "identity", "gzipped", ""):
        answer = get("/api/analytics/price-trends", {"accept-encoding": accepted}, **question)
        assert "content-encoding" not in answer.headers, accepted


def test_text_that_a_spreadsheet_would_run_is_only_text(ask: Callable[[str], Ask], connection: Connection) -> None:
    event = id_of(connection, "1")
    get = ask(EVERYONE)
    names = ['=HYPERLINK("http://evil.example")', "+1", "-1", "@sum", "\tx", "\rx", "A - B", "1+1"]
    for name in names:
        connection.execute("update market.events set name = %s where id = %s", [name, event])
        answer = get("/api/events?search=&sort=name", {"accept": "text/csv"})
        found = [row["name"] for row in csv.DictReader(io.StringIO(answer.text, newline="")) if row["id"] == str(event)]
        assert found == [name if name in ("A - B", "1+1") else f"'{name}"]
        rows = get("/api/events").json()["data"]
        assert name in [row["name"] for row in rows]  # in JSON it is what it is


def test_numbers_in_csv_stay_numbers(ask: Callable[[str], Ask], connection: Connection) -> None:
    connection.execute("update analytics.aggregated_analytics set min_price = -1.5")
    question = {"event_id": id_of(connection, "1"), "start_date": "2026-11-20", "end_date": "2026-11-20"}
    answer = ask(EVERYONE)("/api/analytics/price-trends", {"accept": "text/csv"}, **question)
    assert {row["min_price"] for row in csv.DictReader(io.StringIO(answer.text))} == {"-1.50"}


def test_a_plus_that_was_not_escaped_is_read_as_a_plus(service: str, connection: Connection) -> None:
    base = f"/api/analytics/price-trends?event_id={id_of(connection, '1')}&granularity=hour"
    with httpx.Client(base_url=service, headers={"x-api-key": create_key(connection, EVERYONE)}) as client:
        for at, offset in (("14:00:00", "+02:00"), ("14:00", "+0200"), ("14:00:00.000", "+02"), ("14:00", "+02")):
            answers = [
                client.get(f"{base}&start_date=2026-11-20T{at}{written}&end_date=2026-11-20T12:30:00Z").json()
                for written in (offset, offset.replace("+", "%2B"))
            ]
            assert answers[0] == answers[1]
            assert (answers[0]["start_date"], len(answers[0]["data"])) == (NOON.isoformat(), 2)
        # a blank elsewhere is what it was
        answer = client.get(f"{base}&start_date=2026-11-20%2014:00&end_date=2026-11-20T15:00Z")
        assert answer.json()["start_date"] == "2026-11-20T14:00:00+00:00"
        for wrong in ("2026-11-20 14:00 02:00:00:00", "2026-11-20T14:00 02:", "2026-11-20T14:00 2"):
            assert client.get(f"{base}&start_date={wrong}").status_code == 422, wrong
