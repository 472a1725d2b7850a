"""Sell, cancel, expire, pay late and twice, and kill the worker: the part `box_office` of `make soak`.

At the end the books must agree. Sizes: SOAK_BOX_OFFICE_SECONDS (1800), SOAK_BUYERS (24), SOAK_KILL_SECONDS (120, from
one kill of the worker to the next).
"""

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg

from bench.report import figure, heading, say
from bench.scratch import open_connection, scratch_database, scratch_server
from tickettape.box_office.bookings import cancel, extend, hold, hold_best_available
from tickettape.box_office.events import Seat, add_seats, add_tier, create_event
from tickettape.box_office.orders import cancel_order, purchase, reserve
from tickettape.box_office.payments import pay, receive, refund
from tickettape.box_office.providers import Charge, ProviderError
from tickettape.box_office.refusals import RefusedError
from tickettape.box_office.sales import discrepancies
from tickettape.box_office.simulated_provider import SimulatedProvider, Told
from tickettape.box_office.upkeep import tidy
from tickettape.box_office.waitlist import join_waitlist, offer_what_is_free
from tickettape.database import Connection, Warehouse

USERS, TIER_TICKETS, SEATS, SEATS_IN_A_ROW = 200, 400, 600, 20
HELD_SECONDS = 3  # short, so that much expires
NEVER_PAID = 0.2  # of the payments that are delayed
SETTLE_AFTER_SECONDS = 5.0


def told(_: Charge) -> Told:
    """Most payments succeed; some fail, come late, or meet a provider that is away."""
    return random.choices(("succeed", "delay", "fail", "unreachable"), (60, 25, 10, 5))[0]  # noqa: S311


class Soak:
    """The buyers, the provider and what they share."""

    def __init__(self, url: str, connection: Connection) -> None:
        self.url, self.until = url, 0.0
        self.counts: Counter[str] = Counter()
        self.failures: list[str] = []
        self.lock = threading.Lock()
        self.tiers: list[int] = []
        start = datetime.now(UTC) + timedelta(days=30)
        self.standing = create_event(connection, "Standing", "A hall", start, status="on_sale")
        self.tiers += [add_tier(connection, self.standing, name, Decimal(30), TIER_TICKETS) for name in ("A", "B")]
        self.seated = create_event(connection, "Seated", "A hall", start, status="on_sale")
        plan = [Seat("A", str(n // SEATS_IN_A_ROW), str(n % SEATS_IN_A_ROW), Decimal(50)) for n in range(SEATS)]
        add_seats(connection, self.seated, plan)
        connection.execute(
            """insert into box_office.users (email, full_name, password_hash)
               select number || '@example.com', 'A user', 'x' from generate_series(1, %s) as number""",
            [USERS],
        )
        connection.execute(
            "update box_office.settings set hold_seconds = %s, order_seconds = %s, offer_seconds = %s",
            [HELD_SECONDS, HELD_SECONDS, 2 * HELD_SECONDS],
        )

    def provider(self) -> SimulatedProvider:
        return SimulatedProvider(Warehouse(lambda: psycopg.connect(self.url)), told=told)

    def run(self, work: str) -> None:
        """Do a kind of work again and again until the time is over."""
        provider = self.provider()
        with psycopg.connect(self.url, autocommit=True) as connection:
            while time.monotonic() < self.until:
                try:
                    said = getattr(self, work)(connection, provider)
                except RefusedError as refused:
                    said = refused.kind
                    time.sleep(random.random() / 2)  # noqa: S311  people look before they click again
                except ProviderError:
                    said = "provider away"
                except Exception as error:
                    said = type(error).__name__
                    with self.lock:
                        self.failures.append(f"{work}: {said}: {error}")
                with self.lock:
                    self.counts[f"{work}: {said}"] += 1

    def buy(self, connection: Connection, provider: SimulatedProvider) -> str:
        user, what = random.randint(1, USERS), random.random()  # noqa: S311
        if what < 0.03:
            tier = random.choice([*self.tiers, None])  # noqa: S311
            event = self.standing if tier else self.seated
            join_waitlist(connection, user, event, tier_id=tier, how_many=random.randint(1, 2))  # noqa: S311
            return "waits"
        if what < 0.15:
            purchase(connection, user, self.standing, {random.choice(self.tiers): random.randint(1, 4)})  # noqa: S311
            return "bought at the counter"
        if what < 0.55:
            lines = {tier: random.randint(1, 4) for tier in random.sample(self.tiers, random.randint(1, 2))}  # noqa: S311
            return self._then(connection, provider, order=reserve(connection, user, self.standing, lines))
        if what < 0.8:
            booking = hold_best_available(connection, user, self.seated, random.randint(1, 4))  # noqa: S311
        else:
            first = random.randint(1, SEATS - 3)  # noqa: S311
            booking = hold(connection, user, self.seated, range(first, first + random.randint(1, 3)))  # noqa: S311
        return self._then(connection, provider, booking=booking)

    def _then(
        self,
        connection: Connection,
        provider: SimulatedProvider,
        *,
        order: int | None = None,
        booking: int | None = None,
    ) -> str:
        what = random.random()  # noqa: S311
        if what < 0.15:
            return "left alone"
        if what < 0.3:
            done = cancel_order(connection, order) if order else cancel(connection, booking or 0)
            return f"cancelled {done}"
        if what < 0.4 and booking:
            extend(connection, booking)
        elif what < 0.5:
            time.sleep(HELD_SECONDS * 1.2)  # pays too late
        return pay(connection, provider, order_id=order, booking_id=booking).outcome

    def deliver(self, connection: Connection, provider: SimulatedProvider) -> str:
        """Some delayed payments are made; their messages come late, some twice, in any order."""
        time.sleep(0.5)
        rows = connection.execute(
            "select provider_id from box_office.payments where status = 'open' and updated_at < now() - interval '1 s'"
        ).fetchall()
        paid = [str(charge) for (charge,) in rows if random.random() > NEVER_PAID]  # noqa: S311
        for charge in paid:
            provider.complete(charge)
        messages = [provider.message(charge) for charge in paid]
        messages += random.sample(messages, len(messages) // 2)
        random.shuffle(messages)
        for message in messages:
            receive(connection, provider, *message)
        return "delivered"

    def give_back(self, connection: Connection, _: SimulatedProvider) -> str:
        """The people at the box office refund orders and bookings, so that there is always something to sell."""
        time.sleep(0.2)
        row = connection.execute(
            """(select id, null from box_office.orders where status in ('paid', 'partially_refunded')
                order by random() limit 1)
               union all
               (select null, id from box_office.bookings where status = 'CONFIRMED' order by random() limit 1)"""
        ).fetchall()
        for order, booking in row:
            tickets = connection.execute(
                """select id from box_office.tickets where status = 'valid' and (order_id = %s or booking_id = %s)
                   order by id""",
                [order, booking],
            ).fetchall()
            some = [ticket for (ticket,) in tickets][: random.choice((1, None))]  # noqa: S311
            if some:
                refund(connection, order_id=order, booking_id=booking, tickets=some)
        return "refunded"

    def offer(self, connection: Connection, _: SimulatedProvider) -> str:
        time.sleep(1)
        made = sum(offer_what_is_free(connection, event) for event in (self.standing, self.seated))
        return "offered" if made else "nothing to offer"


def soak_box_office() -> bool:
    """Run it, then judge."""
    seconds = float(os.environ.get("SOAK_BOX_OFFICE_SECONDS", "1800"))
    buyers, kill = int(os.environ.get("SOAK_BUYERS", "24")), float(os.environ.get("SOAK_KILL_SECONDS", "120"))
    with scratch_server() as server, scratch_database(server, "soak") as url, open_connection(url) as connection:
        connection.execute("alter system set autovacuum = on")  # as in use: half an hour leaves many dead rows
        connection.execute("select pg_reload_conf()")
        heading(f"Box office: {buyers} buyers for {seconds:.0f} s, the worker killed every {kill:.0f} s")
        soak = Soak(url, connection)
        soak.until = time.monotonic() + seconds
        works = ["buy"] * buyers + ["deliver", "give_back", "offer"]
        with ThreadPoolExecutor(len(works)) as pool:
            running = [pool.submit(soak.run, work) for work in works]
            killed = _run_worker(url, soak.until, kill)
            for one in running:
                one.result()
        for said, count in sorted(soak.counts.items()):
            say(f"{said}: {count}")
        for failure in soak.failures[:5]:
            say(failure)
        say(f"the worker was killed {killed} times")
        holds = figure("what ended in a surprise", len(soak.failures), "", most=0)
        return _judge(connection, soak) & holds


def _run_worker(url: str, until: float, every: float) -> int:
    """Keep the worker running, and kill it now and then. How often it was killed."""
    killed = 0
    while time.monotonic() < until:
        worker = subprocess.Popen([sys.executable, "-W", "ignore", "-m", "bench.soak_box_office", url])  # noqa: S603
        time.sleep(max(0.0, min(every, until - time.monotonic())))
        if worker.poll() is not None:
            raise RuntimeError(f"The worker ended by itself, with code {worker.returncode}.")
        worker.kill()
        worker.wait()
        killed += 1
    return killed


def _judge(connection: Connection, soak: Soak) -> bool:
    """Let everything expire, settle, and compare stock, tickets, money and the provider's ledger."""
    provider = soak.provider()
    time.sleep(2 * HELD_SECONDS + 1)
    for _ in range(2):
        tidy(connection, {"simulated": provider}, settle_after_seconds=0)
    found = discrepancies(connection)
    for one in found[:10]:
        say(str(one))
    holds = figure("contradictions between stock, seats, tickets and money", len(found), "", most=0)

    def value(query: str) -> float:
        row = connection.execute(query.encode()).fetchone()
        return float(row[0]) if row else 0.0

    unsettled = value("select count(*) from box_office.payments where status in ('created', 'open')")
    holds &= figure("payments without an outcome", unsettled, "", most=0)
    requested = value("select count(*) from box_office.refunds where status <> 'succeeded'")
    holds &= figure("money that was to be returned and was not", requested, "", most=0)
    sold = value("select sum(gross - refunds) from box_office.event_sales_summary")
    at_the_counter = value(
        """select coalesce(sum(amount - box_office.given_back(id)), 0) from box_office.payments
           where provider = 'counter' and status = 'succeeded'"""
    )
    ledger = float(provider.balance())
    say(f"orders less refunds {sold:,.2f}; the provider's ledger {ledger:,.2f}, at the counter {at_the_counter:,.2f}")
    holds &= figure(
        "orders less refunds, against ledger and counter", sold - ledger - at_the_counter, "", least=0, most=0
    )
    for tier in soak.tiers:
        left = value(
            f"""select quantity - sold - reserved - (select sum(free) from box_office.tier_stock where tier_id = id)
                from box_office.ticket_tiers where id = {tier}"""  # noqa: S608  a number of ours
        )
        holds &= figure(f"tier {tier}: quantity, less sold, held and left", left, "", least=0, most=0)
    tickets = value("select count(*) from box_office.tickets where status in ('valid', 'used') and seat_id is not null")
    booked = value("select count(*) from box_office.stored_seats where status = 'BOOKED'")
    return figure("tickets of seats, less booked seats", tickets - booked, "", least=0, most=0) & holds


def work_for_ever(url: str) -> None:
    """The worker, in a process of its own."""
    provider = SimulatedProvider(Warehouse(lambda: psycopg.connect(url)))
    with psycopg.connect(url, autocommit=True) as connection:
        while True:
            tidy(connection, {provider.name: provider}, settle_after_seconds=SETTLE_AFTER_SECONDS)
            time.sleep(1)


if __name__ == "__main__":
    work_for_ever(sys.argv[1])
