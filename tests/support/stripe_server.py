"""The part of Stripe's HTTP API that we use, on loopback: payment intents, refunds, and signed events."""

import hashlib
import hmac
import json
import secrets
import time
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

WEBHOOK_SECRET = "whsec_of_the_tests"


class StripeServer:
    """Intents are paid by `pay`. Requests with a known Idempotency-Key get the first answer again."""

    def __init__(self) -> None:
        self.intents: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, dict[str, Any]] = {}
        self.failures = 0
        """How many requests will be answered with status 500."""
        self.requests: list[str] = []
        self.app = Starlette(
            routes=[
                Route("/v1/payment_intents", self._create, methods=["POST"]),
                Route("/v1/payment_intents/{id}", self._retrieve),
                Route("/v1/payment_intents/{id}/cancel", self._cancel, methods=["POST"]),
                Route("/v1/refunds", self._refund, methods=["POST"]),
            ]
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.failures > 0:
            self.failures -= 1
            await JSONResponse({"error": {"message": "Try again", "type": "api_error"}}, 500)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def pay(self, intent: str) -> None:
        """The buyer pays on Stripe's page."""
        self.intents[intent]["status"] = "succeeded"

    def message(self, kind: str, about: dict[str, Any]) -> tuple[bytes, str]:
        """A signed event, as Stripe sends it."""
        body = {"id": f"evt_{secrets.token_hex(8)}", "object": "event", "type": kind, "data": {"object": about}}
        payload = json.dumps(body).encode()
        return payload, signature(payload)

    async def _create(self, request: Request) -> JSONResponse:
        form = dict(parse_qsl((await request.body()).decode()))

        def make() -> dict[str, Any]:
            number = f"pi_{secrets.token_hex(8)}"
            made = {
                "id": number, "object": "payment_intent", "amount": int(form["amount"]), "currency": form["currency"],
                "status": "requires_payment_method", "client_secret": f"{number}_secret",
                "metadata": {"payment_id": form["metadata[payment_id]"]},
            }  # fmt: skip
            self.intents[number] = made
            return made

        return self._once(request, make)

    async def _refund(self, request: Request) -> JSONResponse:
        form = dict(parse_qsl((await request.body()).decode()))

        def make() -> dict[str, Any]:
            number = f"re_{secrets.token_hex(8)}"
            self.refunds[number] = {
                "id": number, "object": "refund", "amount": int(form["amount"]), "status": "succeeded",
                "payment_intent": form["payment_intent"],
            }  # fmt: skip
            return self.refunds[number]

        return self._once(request, make)

    async def _retrieve(self, request: Request) -> JSONResponse:
        return JSONResponse(self.intents[request.path_params["id"]])

    async def _cancel(self, request: Request) -> JSONResponse:
        intent = self.intents[request.path_params["id"]]
        intent["status"] = "canceled"
        return JSONResponse(intent)

    def _once(self, request: Request, make: Any) -> JSONResponse:
        key = request.headers["idempotency-key"]
        self.requests.append(key)
        if key not in self.answers:
            self.answers[key] = make()
        return JSONResponse(self.answers[key])


def signature(payload: bytes, secret: str = WEBHOOK_SECRET) -> str:
    """The header Stripe-Signature."""
    now = int(time.time())
    signed = hmac.new(secret.encode(), f"{now}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={now},v1={signed}"
