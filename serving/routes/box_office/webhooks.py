"""The route on which payment providers say what became of payments. Their signature is what admits them."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from serving.answers import box_office as answers
from serving.openapi.box_office import selling
from serving.responses.problems import Problem
from serving.routes.box_office.replies import desk_of, reply
from tickettape.box_office import BadSignatureError

router = APIRouter()

_SIGNATURES = {"stripe": "stripe-signature", "simulated": "x-signature"}


@router.post("/webhooks/{provider}", **selling(answers.Received, 404))
async def receive_webhook(
    request: Request, provider: Annotated[str, Path(description="The provider.", examples=["stripe"], max_length=50)]
) -> Response:
    """A message from the payment provider. If it comes twice, the second one changes nothing."""
    desk = desk_of(request)
    if provider not in desk.providers:
        raise Problem(404, f"Payments are not taken by {provider} here.", kind="unknown")
    try:
        signature = request.headers.get(_SIGNATURES[provider], "")
        if not signature.isascii():
            raise BadSignatureError("A signature has only letters and digits.")
        outcome = await desk.receive(provider, await request.body(), signature)
    except BadSignatureError as error:
        raise Problem(400, str(error)) from None
    return await reply(request, orjson.dumps({"outcome": outcome}))
