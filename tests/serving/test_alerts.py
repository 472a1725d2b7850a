"""Price alerts over HTTP: rules, what they tell, and two tenants who never see each other's."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from xml.etree import ElementTree

import httpx
import psycopg
import pytest
from pydantic import SecretStr

from tests.support.databases import fresh_database, use_database
from tests.support.described_answers import errors
from tests.support.mail_server import Inbox, mail_server
from tests.support.markets import TEN
from tests.support.priced_listings import Show
from tests.support.served_market import EVERYONE, LEFT, RIGHT, id_of, serving
from tickettape.api_schema import add_reader, create_key, list_tenants, remove_reader, watch_events
from tickettape.database import Connection, Warehouse
from tickettape.price_alerts import deliver_due, evaluate_alerts, new_key
from tickettape.settings import Settings

PAGE = "https://market.example/late-show"
NOW = datetime.now(UTC).replace(second=0, microsecond=0)


class Service:
    """The service with a mail server, and a client of each tenant."""

    def __init__(self, url: str, connection: Connection, settings: Settings, inbox: Inbox) -> None:
        self.document: dict[str, Any] = httpx.get(f"{url}/openapi.json").json()
        self.url, self.connection, self.settings, self.inbox = url, connection, settings, inbox
        self.one, self.two = id_of(connection, "1"), id_of(connection, "2")
        self.show = Show(connection, "3", name="A late show", page_url=PAGE)
        for tenant in (LEFT, EVERYONE):
            watch_events(connection, tenant, [self.show.event_id])
        self.tenants = {tenant.name: tenant.tenant_id for tenant in list_tenants(connection)}
        self.clients = {
            tenant: httpx.Client(base_url=url, headers={"x-api-key": create_key(connection, tenant)}, timeout=60)
            for tenant in (LEFT, RIGHT, EVERYONE)
        }

    def ask(self, tenant: str, method: str, path: str, body: Any = None) -> httpx.Response:
        """Ask, and compare the answer with what OpenAPI says of it."""
        answer = self.clients[tenant].request(method, f"/api/alerts{path}", json=body)
        responses = self._described(method, path)["responses"]
        assert str(answer.status_code) in responses, (method, path, answer.status_code)
        for content in responses[str(answer.status_code)].get("content", {}).values():
            name = content["schema"]["$ref"].rpartition("/")[2]
            assert errors(self.document, name, answer.json()) == []
            properties = self.document["components"]["schemas"][name]["properties"]
            assert answer.status_code >= 400 or answer.json().keys() == properties.keys()
        return answer

    def _described(self, method: str, path: str) -> Any:
        """What OpenAPI says of a path: the one that has the fewest parameters."""
        fitting = [
            described
            for described in self.document["paths"]
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", described), f"/api/alerts{path}")
            and method.lower() in self.document["paths"][described]
        ]
        return self.document["paths"][min(fitting, key=lambda one: one.count("{"))][method.lower()]

    def rule(self, tenant: str = LEFT, **said: Any) -> dict[str, Any]:
        answer = self.ask(tenant, "POST", "", {"event_id": str(self.one), "price": 100} | said)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def destination(self, tenant: str = LEFT, name: str = "me") -> str:
        """A verified destination, as a person makes one; its id."""
        added = self.ask(tenant, "POST", "/destinations", {"name": name, "kind": "mail", "address": "ann@example.com"})
        assert added.status_code == 201, added.text
        found = re.search(r"\d{6}", self.inbox.mails[-1].get_content())
        assert found
        verified = self.ask(tenant, "POST", f"/destinations/{name}/verify", {"code": found[0]})
        assert verified.status_code == 200, verified.text
        destination_id: str = verified.json()["destination_id"]
        return destination_id


@pytest.fixture(scope="module")
def served(server_url: str, template: str) -> Iterator[Service]:
    with (
        fresh_database(server_url, template) as url,
        pytest.MonkeyPatch.context() as patch,
        mail_server() as inbox,
    ):
        use_database(patch, url)
        settings = Settings(
            price_alerts_key=SecretStr(new_key()),
            price_alerts_smtp_url=SecretStr(inbox.url),
            public_url="https://tickets.example.com",
        )
        with serving(url, settings) as address, Warehouse().connection() as connection:
            yield Service(address, connection, settings, inbox)


@pytest.fixture
def service(served: Service) -> Service:
    """The service without any rule or destination."""
    served.connection.execute("truncate price_alerts.destinations, price_alerts.codes_sent cascade")
    served.connection.execute("truncate price_alerts.rules cascade")
    served.connection.execute("truncate price_alerts.watermarks")
    served.inbox.mails.clear()
    return served


def test_a_rule_is_added_read_changed_and_removed(service: Service) -> None:
    made = service.rule(zones=["Lower"])
    assert (made["name"], made["tickets"], made["basis"], made["captures"]) == (
        "2 tickets for at most 100.00 with fees in Lower",
        2,
        "all_in",
        2,
    )
    path = f"/{made['rule_id']}"
    assert service.ask(LEFT, "GET", path).json() == made
    listed = service.ask(LEFT, "GET", "").json()
    assert listed["data"] == [made]
    changed = service.ask(LEFT, "PATCH", path, {"paused": True, "price": 90}).json()
    assert (changed["paused"], changed["price"]) == (True, 90)
    assert service.ask(LEFT, "DELETE", path).status_code == 204
    assert service.ask(LEFT, "GET", path).status_code == 404
    assert service.ask(LEFT, "DELETE", path).status_code == 404
    assert service.ask(LEFT, "PATCH", path, {"paused": True}).status_code == 404


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"price": None}, "The condition below needs price"),
        ({"price": -1}, "greater than 0"),
        ({"scope": "venue"}, "event_id"),
        ({"condition": "fell", "percent": 100}, "cannot fall by 100"),
        ({"quiet_from": "23:00"}, "both quiet_from and quiet_until"),
        ({"time_zone": "Mars/Olympus"}, "is no time zone"),
        ({"colour": "red"}, "Extra inputs"),
        ({"event_id": str(uuid4())}, "There is no such event"),
        ({"destination_id": str(uuid4())}, "There is no such destination"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_the_reason(service: Service, said: dict[str, Any], why: str) -> None:
    answer = service.ask(LEFT, "POST", "", {"event_id": str(service.one), "price": 100} | said)
    assert answer.status_code == 422
    assert why in answer.json()["detail"]
    assert service.ask(LEFT, "GET", "").json()["data"] == []


def test_a_change_that_cannot_be_is_refused(service: Service) -> None:
    path = f"/{service.rule()['rule_id']}"
    for said, why in (({"price": None}, "needs price"), ({"colour": "red"}, "no field colour")):
        answer = service.ask(LEFT, "PATCH", path, said)
        assert answer.status_code == 422
        assert why in answer.json()["detail"]


def test_from_a_rule_to_a_received_message_and_its_stop_link(service: Service) -> None:
    """What a new user does: add a destination, enter its code, set a rule; then a tick, and a mail arrives."""
    destination = service.destination()
    made = service.rule(event_id=str(service.show.event_id), destination_id=destination, captures=1)
    tick = NOW - timedelta(minutes=1)
    service.show.shows(tick, "VB1/7:95")
    done = evaluate_alerts(service.connection, NOW, {"simulator": TEN})
    assert done
    assert done.outcomes == {"tell": 1}
    deliver_due(service.connection, service.settings, lambda: NOW, for_at_most=TEN)
    mail = service.inbox.mails[-1]
    assert mail["subject"] == "A late show for USD 95.00"
    assert f"At the marketplace: {PAGE}\n" in mail.get_content().replace("\r\n", "\n")
    (told,) = service.ask(LEFT, "GET", "/history").json()["data"]
    assert told["page_url"] == PAGE
    assert service.clients[LEFT].get(f"/api/events/{told['event_id']}").json()["page_url"] == PAGE
    assert (told["outcome"], told["all_in_price"], told["delivery"], told["destination"]) == (
        "tell",
        95.0,
        "delivered",
        "me",
    )
    stop = str(mail["list-unsubscribe"]).strip("<>").replace(service.settings.public_url, service.url)
    page = httpx.get(stop)
    assert "Stop this alert" in page.text
    assert service.ask(LEFT, "GET", f"/{made['rule_id']}").json()["paused"] is False  # a scanner only looks
    assert httpx.post(stop).status_code == 200
    assert service.ask(LEFT, "GET", f"/{made['rule_id']}").json()["paused"] is True
    other = service.rule()
    forged = stop.replace(made["rule_id"], other["rule_id"])
    assert httpx.post(forged).status_code == 422
    assert service.ask(LEFT, "GET", f"/{other['rule_id']}").json()["paused"] is False


def test_the_feed_has_what_was_told(service: Service) -> None:
    service.rule(event_id=str(service.show.event_id), captures=1, name="Two & <less>")
    tick = NOW + timedelta(minutes=9)
    service.show.shows(tick, "VB1/7:95")
    evaluate_alerts(service.connection, tick, {"simulator": TEN})
    address = service.ask(LEFT, "GET", "").json()["feed"].replace(service.settings.public_url, service.url)
    answer = httpx.get(address)
    assert answer.headers["content-type"] == "application/atom+xml"
    atom = ElementTree.fromstring(answer.content)
    space = {"atom": "http://www.w3.org/2005/Atom"}
    assert [one.text for one in atom.findall("atom:entry/atom:title", space)] == ["A late show for USD 95.00"]
    content = atom.find("atom:entry/atom:content", space)
    assert content is not None
    assert "Your rule: Two & <less>" in (content.text or "")
    assert httpx.get(address[:-3]).status_code == 422


def test_a_rule_is_tried_with_a_test_message(service: Service) -> None:
    path = f"/{service.rule()['rule_id']}/test"
    refused = service.ask(LEFT, "POST", path)
    assert refused.status_code == 422
    assert "no verified destination" in refused.json()["detail"]
    tried = service.rule(destination_id=service.destination(), name="Mine")
    assert service.ask(LEFT, "POST", f"/{tried['rule_id']}/test").status_code == 204
    assert service.inbox.mails[-1]["subject"] == "Test of the alert Mine"
    assert [one["outcome"] for one in service.ask(LEFT, "GET", "/history").json()["data"]] == ["test"]


def test_a_preview_counts_what_would_have_been_told(service: Service) -> None:
    for number, capture in enumerate(["VB1:120", "VB1:120 VB2:9", "VB1:95", "VB1:95", "VB1:120"]):
        service.show.shows(NOW - timedelta(days=3) + number * TEN, capture)
    body = {"event_id": str(service.show.event_id), "price": 100}
    found = service.ask(LEFT, "POST", "/preview", body).json()
    assert (found["told"], found["left_out"], found["basis_known"]) == (1, 1, True)
    assert [(one["price"], one["section"], one["event"]) for one in found["data"]] == [(95.0, "101", "A late show")]
    assert (found["events"], found["events_tried"]) == (1, 1)
    assert service.ask(LEFT, "GET", "").json()["data"] == []  # nothing is stored
    assert service.ask(RIGHT, "POST", "/preview", body).status_code == 404
    about = {"scope": "search", "about": "LATE", "price": 100}
    same = service.ask(LEFT, "POST", "/preview", about).json()
    assert (same["events"], same["told"], same["data"]) == (1, 1, found["data"])
    for tenant, words in ((RIGHT, "late"), (LEFT, "no such words")):
        unseen = service.ask(tenant, "POST", "/preview", about | {"about": words}).json()
        assert (unseen["events"], unseen["events_tried"], unseen["data"]) == (0, 0, [])


def test_two_tenants_never_see_or_touch_each_others_rules_over_http(service: Service) -> None:
    destination = service.destination(LEFT)
    made = service.rule(LEFT, destination_id=destination)
    path = f"/{made['rule_id']}"
    for method, body in (("GET", None), ("PATCH", {"paused": True}), ("DELETE", None)):
        assert service.ask(RIGHT, method, path, body).status_code == 404
    assert service.ask(RIGHT, "POST", f"{path}/test").status_code == 422
    for listed in ("", "/history", "/destinations"):
        assert service.ask(RIGHT, "GET", listed).json()["data"] == []
    assert service.ask(RIGHT, "DELETE", "/destinations/me").status_code == 422
    stolen = service.ask(RIGHT, "POST", "", {"event_id": str(service.two), "price": 1, "destination_id": destination})
    assert "no such destination" in stolen.json()["detail"]
    unseen = service.ask(RIGHT, "POST", "", {"event_id": str(service.one), "price": 1})
    assert "no such event" in unseen.json()["detail"]
    own = service.rule(RIGHT, event_id=str(service.two))
    moved = service.ask(RIGHT, "PATCH", f"/{own['rule_id']}", {"event_id": str(service.one)})
    assert "no such event" in moved.json()["detail"]
    assert service.ask(LEFT, "GET", path).json() == made


def as_tenant(connection: Connection, tenant: UUID, statement: str, *values: Any) -> list[Any]:
    """What a statement gives to the reader's role with a tenant's token, as PostgREST sends it."""
    with connection.transaction():
        connection.execute("select set_config('request.jwt.claims', %s, true)", [f'{{"tenant": "{tenant}"}}'])
        connection.execute("set local role tickettape_reader")
        cursor = connection.execute(statement, values)
        found: list[Any] = list(cursor.fetchall()) if cursor.description else [cursor.rowcount]
        return found


def test_two_tenants_never_see_or_touch_each_others_rules_in_sql(service: Service) -> None:
    service.rule(LEFT, destination_id=service.destination(LEFT), event_id=str(service.show.event_id), captures=1)
    tick = NOW + timedelta(minutes=19)
    service.show.shows(tick, "VB1/7:95")
    evaluate_alerts(service.connection, tick, {"simulator": TEN})
    left, right = service.tenants[LEFT], service.tenants[RIGHT]
    for view in ("alert_rules", "alert_destinations", "alert_history"):
        assert len(as_tenant(service.connection, left, f"select 1 from api.{view}")) == 1
        assert as_tenant(service.connection, right, f"select 1 from api.{view}") == []
    for table in ("rules", "occasions", "deliveries"):
        assert as_tenant(service.connection, right, f"select 1 from price_alerts.{table}") == []
    assert as_tenant(service.connection, right, "update api.alert_rules set paused = true") == [0]
    assert as_tenant(service.connection, right, "delete from api.alert_rules") == [0]
    assert as_tenant(service.connection, right, "delete from api.alert_destinations") == [0]
    add = "insert into api.alert_rules (name, scope, about, condition, price) values ('x', 'search', 'x', 'below', 1)"
    assert as_tenant(service.connection, right, add) == [1]
    assert len(as_tenant(service.connection, right, "select 1 from api.alert_rules")) == 1
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_tenant(service.connection, right, "update price_alerts.rules set tenant_id = %s", left)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_tenant(service.connection, right, "select address from price_alerts.destinations")


def test_a_login_that_may_only_read_writes_no_rule(service: Service) -> None:
    service.rule(LEFT)
    password = add_reader(service.connection, "notebook_of_alerts", tenant=LEFT)
    try:
        with psycopg.connect(
            service.connection.info.dsn, user="notebook_of_alerts", password=password, autocommit=True
        ) as reader:
            reader.execute("set default_transaction_read_only = off")
            assert reader.execute("select count(*) from api.alert_rules").fetchone() == (1,)
            assert reader.execute("update api.alert_rules set paused = true").rowcount == 0
            assert reader.execute("delete from api.alert_rules").rowcount == 0
    finally:
        remove_reader(service.connection, "notebook_of_alerts")


def test_the_key_that_everybody_has_cannot_write(service: Service, server_url: str) -> None:
    key = create_key(service.connection, EVERYONE)
    everybodys = Settings(dashboard_key=SecretStr(key), marketplace_url="https://example.com")
    with (
        serving(service.connection.info.dsn, everybodys) as url,
        httpx.Client(base_url=url, headers={"x-api-key": key}) as visitor,
    ):
        assert visitor.get("/api/alerts").status_code == 200
        refused = visitor.post("/api/alerts", json={"event_id": str(service.one), "price": 100})
        assert refused.status_code == 403
        assert "everybody's" in refused.json()["detail"]
