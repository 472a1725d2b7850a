"""Pays an order in a process of its own, and is killed at a given point: `python -m … URL ORDER POINT`."""

import os
import signal
import sys

import psycopg

from tickettape.box_office import payments
from tickettape.box_office.providers import Charge, ChargeState
from tickettape.box_office.simulated_provider import SimulatedProvider
from tickettape.database import Warehouse


def main() -> None:
    url, order, point = sys.argv[1:]

    class Killed(SimulatedProvider):
        def open(self, charge: Charge) -> ChargeState:
            if point == "before the charge":
                os.kill(os.getpid(), signal.SIGKILL)
            state = super().open(charge)
            os.kill(os.getpid(), signal.SIGKILL)  # after the charge, before the tickets
            return state

    warehouse = Warehouse(lambda: psycopg.connect(url))
    with psycopg.connect(url, autocommit=True) as connection:
        payments.pay(connection, Killed(warehouse), order_id=int(order))


if __name__ == "__main__":
    main()
