// Tickets that are sold by quantity: a line for each tier, and one button for all.

import { at, html } from "../../shared/dom.js";
import { money } from "../../shared/words.js";
import { counted, option, tickets } from "../shared/words.js";

/** The tiers. `reserve(lines)` is called with [{tier_id, quantity}], `wait(tier)` for a tier that is sold out. */
export class Tiers {
  constructor({ reserve, wait }) {
    this.wait = wait;
    this.total = html("p", { className: "total", role: "status" });
    this.button = html("button", { type: "submit", className: "primary", textContent: "Reserve" });
    const form = html("form", {}, at("tier-list"), html("div", { className: "sum" }, this.total, this.button));
    at("tiers").append(form);
    form.addEventListener("change", () => this.#sum());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      reserve(this.#lines());
    });
  }

  show(tiers, currency) {
    this.currency = currency;
    const is = JSON.stringify(tiers);
    if (this.is === is) return;
    this.is = is;
    this.tiers = tiers;
    const before = new Map(this.#lines().map((line) => [line.tier_id, line.quantity]));
    const focused = document.activeElement?.id;
    at("tier-list").replaceChildren(...tiers.map((tier) => this.#line(tier, before.get(tier.tier_id) ?? 0)));
    if (focused?.startsWith("tier-")) at(focused)?.focus();
    this.#sum();
  }

  #line(tier, chosen) {
    const { tier_id: id, name, description, price, available, min_purchase: fewest, max_purchase: most } = tier;
    const numbers = [];
    for (let number = fewest; number <= Math.min(most, available); number++) numbers.push(number);
    const can = tier.on_sale && numbers.length > 0;
    const few = fewest > 1 ? `, from ${fewest} tickets on` : "";
    return html(
      "li",
      {},
      html("div", {}, html("b", { textContent: name }), html("small", { textContent: description ?? "" })),
      html(
        "div",
        { className: "price" },
        html("b", { textContent: money(price, this.currency) }),
        html("small", {
          textContent: !tier.on_sale
            ? "Not on sale now"
            : available > 0
              ? `${tickets(available)} left${few}`
              : "Sold out",
        }),
      ),
      can
        ? html(
            "div",
            {},
            html("label", {
              htmlFor: `tier-${id}`,
              className: "hidden-text",
              textContent: `${name}: how many tickets`,
            }),
            html(
              "select",
              { id: `tier-${id}` },
              ...[0, ...numbers].map((one) => option(one, String(one), one === chosen)),
            ),
          )
        : tier.on_sale && !available
          ? html("button", {
              type: "button",
              className: "plain",
              textContent: "Wait",
              ariaLabel: `Wait for ${name}`,
              onclick: () => this.wait(tier),
            })
          : "",
    );
  }

  #lines() {
    return (this.tiers ?? [])
      .map((tier) => ({ tier_id: tier.tier_id, quantity: Number(at(`tier-${tier.tier_id}`)?.value ?? 0) }))
      .filter((line) => line.quantity > 0);
  }

  #sum() {
    const lines = this.#lines(),
      number = lines.reduce((sum, line) => sum + line.quantity, 0);
    const cents = lines.reduce(
      (sum, line) =>
        sum + line.quantity * Math.round(this.tiers.find((one) => one.tier_id === line.tier_id).price * 100),
      0,
    );
    this.total.textContent = number ? `${counted(number, "ticket")}, ${money(cents / 100, this.currency)}` : "";
    this.button.disabled = !number;
    this.button.hidden = !at("tier-list").querySelector("select");
  }
}
