"""Paying an order or a booking."""

from typing import Any

import orjson
from fastapi import Request
from starlette.responses import Response

from serving.requests.purchases import Pay
from serving.requests.sessions import session_of
from serving.responses.problems import Problem
from serving.routes.box_office.replies import desk_of, reply
from tickettape.box_office import Begun, Charge, ProviderError


async def pay(
    request: Request, body: Pay, key: str, *, order_id: int | None = None, booking_id: int | None = None
) -> Response:
    """Begin a payment as the buyer, then ask the provider. Said twice, it is one charge. Raises Problem."""
    desk = desk_of(request)
    if body.simulate and desk.provider != "simulated":
        raise Problem(422, "Payments are not simulated here. Leave out `simulate`.", kind="limit")
    values: dict[str, Any] = {"order": order_id, "booking": booking_id, "provider": desk.provider, "key": key}
    rows = await desk.ask(
        """select id, amount, trim(currency), provider, provider_id, status
           from box_office.start_payment_once(%(order)s::bigint, %(booking)s::bigint, %(provider)s, %(key)s)""",
        values,
        session=session_of(request),
        write=True,
    )
    payment_id, amount, currency, provider, provider_id, status = rows[0]
    if status not in ("succeeded", "failed", "cancelled") and provider not in desk.providers:
        raise Problem(409, f"This payment was begun with {provider}, which is not in use here.", kind="state")
    begun = Begun(Charge(payment_id, amount, currency), provider, provider_id, status)
    try:
        done = await desk.carry_out(begun, body.simulate)
    except ProviderError:
        raise Problem(
            503,
            "The payment provider does not answer. Nothing is lost: send the request again under the same key.",
            headers={"retry-after": "5"},
        ) from None
    told = {"payment_id": payment_id, "outcome": done.outcome, "provider": provider, "amount": float(amount)}
    return await reply(request, orjson.dumps(told | {"currency": currency, "client_secret": done.client_secret}))
