// Where nothing is left: to wait for an event, or for one of its tiers.

import { ROOT } from "../../shared/api.js";
import { at, html } from "../../shared/dom.js";
import { money } from "../../shared/words.js";
import { asUser } from "../shared/account.js";
import { send, wordsOf } from "../shared/api.js";
import { option, tickets } from "../shared/words.js";

const MOST = 10;

/**
 * Show the form for these tiers and sections, and return its first field. Of the same ones it changes nothing, so that
 * what a visitor has typed stays.
 */
export function showWaitlist(event, { tiers, sections }, title) {
  const place = at("waitlist"),
    is = JSON.stringify([title, tiers.map((one) => one.tier_id), sections.length]);
  place.hidden = false;
  if (place.is === is) return at("wait-quantity");
  place.is = is;
  const field = (id, label, control) =>
    html("div", {}, html("label", { htmlFor: id, textContent: label }), Object.assign(control, { id }));
  const kinds = [
    ...(tiers.length === 1 && !sections.length ? [] : [["", "Any ticket"]]),
    ...tiers.map((one) => [one.tier_id, `${one.name}, ${money(one.price, event.currency)}`]),
  ];
  const said = html("p", { role: "status" }),
    wrong = html("p", { className: "wrong", role: "alert" });
  const form = html(
    "form",
    { className: "fields" },
    field(
      "wait-quantity",
      "Tickets",
      html("select", {}, ...Array.from({ length: MOST }, (_, n) => option(n + 1, String(n + 1), n === 1))),
    ),
    tiers.length
      ? field("wait-tier", "Which", html("select", {}, ...kinds.map(([value, text]) => option(value, text))))
      : "",
    sections.length
      ? field(
          "wait-section",
          "Section, if it matters",
          html("select", {}, option("", "Any"), ...sections.map((one) => option(one.section, one.section))),
        )
      : "",
    field(
      "wait-price",
      `Up to, per ticket (${event.currency})`,
      html("input", { type: "number", min: 0, step: "0.01", inputMode: "decimal", placeholder: "Any price" }),
    ),
    html("button", { className: "primary", textContent: "Join the waitlist" }),
  );
  form.addEventListener("submit", async (submitted) => {
    submitted.preventDefault();
    const value = (id) => form.querySelector(`#${id}`)?.value || null;
    wrong.textContent = "";
    try {
      const entry = await asUser(
        () =>
          send("POST", `events/${event.event_id}/waitlist`, {
            quantity: Number(value("wait-quantity")),
            tier_id: value("wait-tier") && Number(value("wait-tier")),
            section_preference: value("wait-section"),
            max_price: value("wait-price") && Number(value("wait-price")),
          }),
        "Log in to join the waitlist.",
      );
      if (!entry) return;
      said.replaceChildren(
        `You wait for ${tickets(entry.quantity)}, and you are number ${entry.place} in the queue. `,
        html("a", { href: new URL("box-office/tickets", ROOT).href, textContent: "My tickets" }),
        " shows when it is your turn.",
      );
      form.hidden = true;
    } catch (failure) {
      wrong.textContent = wordsOf(failure);
    }
  });
  place.replaceChildren(
    html("h2", { id: "waitlist-title", textContent: title }),
    html("p", {
      className: "soft",
      textContent:
        "Tickets that come back are offered to those who wait, in order. An offer keeps them for you for a day at most.",
    }),
    wrong,
    said,
    form,
  );
  return at("wait-quantity");
}
