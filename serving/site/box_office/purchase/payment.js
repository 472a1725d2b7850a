// The step of paying: by the simulated provider, or by Stripe's own element, so that no card number comes near us.

import { Failure } from "../../shared/api.js";
import { html } from "../../shared/dom.js";
import { money } from "../../shared/words.js";
import { asUser } from "../shared/account.js";
import { send, wordsOf } from "../shared/api.js";

const STRIPE_JS = "https://js.stripe.com/v3/",
  LOG_IN = "Log in to pay.";

/**
 * The form in which a purchase is paid. `path` is that of the order or the booking.
 *
 * `paid()` is called once money is on its way or there, `failed(words)` when nothing was taken, `over()` when it is
 * too late.
 */
export function paymentForm({ path, total, currency, settings }, { paid, failed, over }) {
  const button = html("button", {
    className: "primary",
    textContent: total > 0 ? `Pay ${money(total, currency)}` : "Get the tickets",
  });
  const form = html("form", { id: "payment" });
  const usesStripe = settings.provider === "stripe" && total > 0;
  if (usesStripe) form.append(html("div", { id: "card" }), button);
  else form.append(button);
  if (!usesStripe && total > 0)
    form.append(
      html("button", {
        type: "button",
        id: "let-fail",
        textContent: "Let the payment fail",
        onclick: () => pay({ simulate: "fail" }),
      }),
      html("p", { className: "soft hint", textContent: "Payments are simulated here. No money moves." }),
    );
  const card = usesStripe ? stripeCard(form, path, settings.stripe_publishable_key) : null;
  card?.catch((failure) => failed(wordsOf(failure)));

  async function pay(body) {
    for (const one of form.querySelectorAll("button")) one.disabled = true;
    try {
      const answer = card ? await (await card).pay() : await asUser(() => send("POST", `${path}/pay`, body), LOG_IN);
      if (!answer) return;
      if (["paid", "known", "open"].includes(answer.outcome)) await paid();
      else if (answer.outcome === "returned") await over();
      else failed("The payment failed, and nothing was taken. You can try again.");
    } catch (failure) {
      if (failure.kind === "expired") await over();
      else failed(wordsOf(failure));
    } finally {
      for (const one of form.querySelectorAll("button")) one.disabled = false;
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    pay({});
  });
  return form;
}

/** Stripe's element in the form. Returns {pay}. */
async function stripeCard(form, path, publishableKey) {
  const { client_secret: clientSecret } = await send("POST", `${path}/pay`, {});
  if (!window.Stripe)
    await new Promise((loaded, missing) =>
      document.head.append(
        html("script", {
          src: STRIPE_JS,
          onload: loaded,
          onerror: () => missing(new Failure("Stripe cannot be reached. Try again in a moment.")),
        }),
      ),
    );
  const stripe = window.Stripe(publishableKey),
    elements = stripe.elements({ clientSecret });
  elements.create("payment").mount("#card");
  return {
    async pay() {
      const { error } = await stripe.confirmPayment({
        elements,
        redirect: "if_required",
        confirmParams: { return_url: location.href },
      });
      if (error) throw new Failure(error.message);
      return { outcome: "open" };
    },
  };
}
