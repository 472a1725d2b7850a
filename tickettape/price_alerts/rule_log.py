"""Rules and what they told, for commands: the owner of the database sees every tenant's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg.errors import DatabaseError
from psycopg.rows import class_row

from tickettape.database import Connection
from tickettape.price_alerts.rule_form import RULE_FIELDS, RuleForm
from tickettape.price_alerts.sealing import AlertError


@dataclass(frozen=True)
class StoredRule:
    """A rule in short."""

    rule_id: UUID
    tenant: str
    name: str
    paused: bool
    destination: str | None
    told: int


@dataclass(frozen=True)
class StoredOccasion:
    """An occasion in short. `delivery`: delivered, waiting or given up; None: there is no message."""

    occasion_id: int
    tenant: str
    rule: str
    outcome: str
    tick: datetime
    price: Any
    all_in_price: Any
    delivery: str | None
    error: str | None


_ADD: LiteralString = f"""insert into price_alerts.rules (tenant_id, {", ".join(RULE_FIELDS)})
    values (%(tenant_id)s, {", ".join(f"%({name})s" for name in RULE_FIELDS)}) returning rule_id"""  # noqa: S608


def tenant_named(connection: Connection, name: str) -> UUID:
    """The id of a tenant. Raises AlertError if there is none of this name."""
    row = connection.execute("select tenant_id from access.tenants where name = %s", [name]).fetchone()
    if row is None:
        raise AlertError(f"There is no tenant {name}. `tickettape tenants list` shows the tenants.")
    return UUID(str(row[0]))


def add_rule(connection: Connection, tenant_id: UUID, form: RuleForm) -> UUID:
    """Add a rule for a tenant. Raises AlertError if it cannot be stored."""
    try:
        row = connection.execute(_ADD, form.model_dump() | {"tenant_id": tenant_id}).fetchone()
    except DatabaseError as error:
        if not (error.sqlstate or "").startswith(("PT", "23")):
            raise
        raise AlertError(f"The rule cannot be stored: {error.diag.message_primary}") from None
    assert row is not None  # noqa: S101  an insert that returns
    return UUID(str(row[0]))


def list_rules(connection: Connection) -> list[StoredRule]:
    """All rules by tenant and name."""
    with connection.cursor(row_factory=class_row(StoredRule)) as cursor:
        return cursor.execute(
            """select rules.rule_id, tenants.name as tenant, rules.name, rules.paused,
                   destinations.name as destination,
                   (select count(*) from price_alerts.occasions as own
                    where own.rule_id = rules.rule_id and own.outcome = 'tell') as told
               from price_alerts.rules
               inner join access.tenants on tenants.tenant_id = rules.tenant_id
               left join price_alerts.destinations on destinations.destination_id = rules.destination_id
               order by tenants.name, rules.name, rules.rule_id"""
        ).fetchall()


def list_occasions(connection: Connection, *, only_dead: bool, most: int) -> list[StoredOccasion]:
    """What rules came to, the newest first; `only_dead`: whose message was given up."""
    with connection.cursor(row_factory=class_row(StoredOccasion)) as cursor:
        return cursor.execute(
            """select told.occasion_id, tenants.name as tenant, rules.name as rule, told.outcome, told.tick, told.price,
                   told.all_in_price, case
                       when sent.delivered_at is not null then 'delivered'
                       when sent.dead_at is not null then 'given up'
                       when sent.occasion_id is not null then 'waiting' end as delivery, sent.error
               from price_alerts.occasions as told
               inner join price_alerts.rules on rules.rule_id = told.rule_id
               inner join access.tenants on tenants.tenant_id = told.tenant_id
               left join price_alerts.deliveries as sent on sent.occasion_id = told.occasion_id
               where not %(only_dead)s or sent.dead_at is not null
               order by told.occasion_id desc limit %(most)s""",
            {"only_dead": only_dead, "most": most},
        ).fetchall()


def set_paused(connection: Connection, rule_ids: Sequence[UUID], *, paused: bool) -> int:
    """Pause rules, or let them tell again. Returns how many there are."""
    return connection.execute(
        "update price_alerts.rules set paused = %s where rule_id = any(%s)", [paused, list(rule_ids)]
    ).rowcount


def remove_rules(connection: Connection, rule_ids: Sequence[UUID]) -> int:
    """Remove rules with their history. Returns how many there were."""
    return connection.execute("delete from price_alerts.rules where rule_id = any(%s)", [list(rule_ids)]).rowcount
