"""Measure what price alerts add to a tick: 10,000 rules over 1000 events, in a market where a tenth changes per tick.

Half of the rules have a fixed limit: two in five of these are hopeless, two are near the market, one holds and was
told. The others look at 30 days of history, at what is left, and at what comes back. The tick's own time is that of
capturing in this process and reading, without network and rollups: less than any real tick takes.
"""

import gc
import random
from datetime import timedelta
from statistics import median
from typing import Any

from bench.listings import MIDNIGHT, TICK, _market, _observe
from bench.report import figure, heading, say, seconds
from tickettape.api_schema import create_tenant
from tickettape.database import Connection
from tickettape.observations import capture_tick, read_tick
from tickettape.price_alerts import evaluate_alerts, refresh_references

HOURS = 30 * 24
LIMITS = (0.4, 0.5, 0.97, 0.99, 1.2)  # of the event's lowest price
OTHERS: tuple[dict[str, Any], ...] = (
    {"condition": "fell", "percent": 10},
    {"condition": "below_median", "percent": 20},
    {"condition": "cheapest", "days": 30},
    {"condition": "few", "few": 20},
    {"condition": "back"},
)


def run(connection: Connection, *, events: int, rules: int, repetitions: int) -> bool:
    """Print the seconds of an evaluation, and their share of the tick's own; returns whether the bound holds."""
    heading(f"Price alerts within a tick of {events} events, {rules:,} rules")
    market = _market(connection, events, 0.1)
    for number in range(2):
        _observe(connection, market, MIDNIGHT + number * TICK)
    _add_rules(connection, rules)
    refresh_references(connection, MIDNIGHT, most=rules)
    # the market's millions of objects are in this process, which no tick's are: the collector must not look at them
    gc.collect()
    gc.freeze()
    every = {"simulator": TICK}
    evaluate_alerts(connection, MIDNIGHT + TICK + timedelta(minutes=1), every)
    own, added, at_the_hour = [], [], []
    for number in range(2, 2 + repetitions):
        tick = MIDNIGHT + number * TICK
        started = seconds(lambda tick=tick: capture_tick(connection, market, tick, None, "bench"))  # type: ignore[misc]
        own.append(
            started + seconds(lambda tick=tick: read_tick(connection, market, tick, 0.05, "bench", only_received=True))  # type: ignore[misc]
        )
        done = evaluate_alerts(connection, tick + timedelta(minutes=1), every)
        if done is None or done.events < 0.9 * events:
            raise RuntimeError(f"The evaluation did not see every event: {done}")
        added.append(done.seconds)
        if tick.minute == 0:
            at_the_hour.append(done.seconds)
        say(f"{done.rules} rules looked at, {dict(done.outcomes)}")
    figure("the tick's own: capturing and reading", median(own), "s")
    figure("evaluating the rules", median(added), "s")
    for one in at_the_hour:  # the first tick of an hour notes the price of every rule on history
        figure("the same at the first tick of an hour", one / median(own), "×")
    return figure("evaluating against the tick's own", median(added) / median(own), "×", most=0.1)


def _add_rules(connection: Connection, rules: int) -> None:
    """Rules of one tenant after the other, spread over the events, with 30 days of prices where they look at them."""
    draw = random.Random(1)  # noqa: S311
    lowest = connection.execute(
        """select events.event_key, events.id, min(lowest_all_in_price_cents) from market.section_snapshots
           inner join market.events using (event_key) group by 1, 2 order by 1"""
    ).fetchall()
    tenants = [create_tenant(connection, f"tenant {number}", sees_all=True) for number in range(1 + rules // 500)]
    added = []
    for number in range(rules):
        event_key, event_id, cents = lowest[number % len(lowest)]
        kind = number // len(lowest) % (len(LIMITS) + len(OTHERS))
        said = (
            {"condition": "below", "price": round(cents * LIMITS[kind] / 100, 2)}
            if kind < len(LIMITS)
            else OTHERS[kind - len(LIMITS)]
        )
        added.append((tenants[number // 500], event_id, event_key, cents, said))
    for tenant, event_id, event_key, cents, said in added:
        row = connection.execute(
            """insert into price_alerts.rules (tenant_id, name, scope, event_id, condition, price, percent, days, few)
               values (%s, 'a rule', 'event', %s, %s, %s, %s, %s, %s) returning rule_id""",
            [tenant, event_id, *map(said.get, ("condition", "price", "percent", "days", "few"))],
        ).fetchone()
        if said["condition"] in ("fell", "below_median", "cheapest") and row:
            prices = [int(cents * draw.uniform(1, 1.3)) for _ in range(HOURS)]
            connection.execute(
                """insert into price_alerts.rule_events (rule_id, event_key, first_hour, lowest_cents)
                   values (%s, %s, %s, %s)""",
                [row[0], event_key, MIDNIGHT - timedelta(hours=HOURS), prices],
            )
    connection.execute("vacuum analyze price_alerts.rules, price_alerts.rule_events")
