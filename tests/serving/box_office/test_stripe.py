"""Paying with Stripe over HTTP: its form gets a secret, and its webhook brings the tickets."""

import pytest
from pydantic import SecretStr

from tests.support.loopback_servers import served as on_loopback
from tests.support.served_box_office import PREFIX, Shop, shopping
from tests.support.served_market import serving
from tests.support.stripe_server import WEBHOOK_SECRET, StripeServer
from tickettape.settings import Settings


def test_an_order_is_paid_with_stripes_form(
    shop: Shop, box_office_url: str, server_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`server_url`: Stripe's library starts a process, `uname`, once, and PostgreSQL's fixture may."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert server_url
    stripe = StripeServer()
    with on_loopback(stripe) as stripe_url:
        settings = Settings(
            stripe_api_key=SecretStr("sk_test"),
            stripe_webhook_secret=SecretStr(WEBHOOK_SECRET),
            stripe_publishable_key="pk_test",
            stripe_api_base=stripe_url,
        )
        with serving(box_office_url, settings) as url, shopping(shop.office, url) as real:
            event = real.office.event()
            tier = real.office.tier(event, 10)
            buyer = real.buyer()
            rules = buyer.read("/settings")
            assert (rules["provider"], rules["stripe_publishable_key"]) == ("stripe", "pk_test")
            lines = {"lines": [{"tier_id": tier, "quantity": 2}]}
            order = buyer.made(f"/events/{event}/orders", lines)["order_id"]
            assert buyer.post(f"/orders/{order}/pay", {"simulate": "succeed"}).status_code == 422
            begun = buyer.made(f"/orders/{order}/pay", key="pay")
            (intent,) = stripe.intents
            assert (begun["outcome"], begun["client_secret"]) == ("open", f"{intent}_secret")
            assert buyer.made(f"/orders/{order}/pay", key="pay") == begun, "a page that is loaded again goes on"
            stripe.pay(intent)
            payload, signature = stripe.message("payment_intent.succeeded", stripe.intents[intent])
            path, headers = f"{PREFIX}/webhooks/stripe", {"stripe-signature": signature}
            said = [real.http.post(path, content=payload, headers=headers).json()["outcome"] for _ in range(2)]
            assert said == ["paid", "known"]
            assert real.http.post(path, content=payload, headers={"stripe-signature": "t=1,v1=0"}).status_code == 400
            assert real.http.post(f"{PREFIX}/webhooks/simulated", content=payload).status_code == 404
            assert len(buyer.read(f"/orders/{order}")["tickets"]) == 2
