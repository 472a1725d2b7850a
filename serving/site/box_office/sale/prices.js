// Prices: of tiers, of seats by a multiplier, and the log of what was changed.

import { at, html } from "../../shared/dom.js";
import { count, money, NOTHING } from "../../shared/words.js";
import { send } from "../shared/api.js";
import { byName } from "../shared/layout.js";
import { counted, option } from "../shared/words.js";
import { momentAtVenue } from "./hours.js";

/** The form for prices of seats. Returns {offerSections, chooseSection}. */
export function setUpPrices(path, change) {
  const place = at("price-section");
  at("change-prices").addEventListener("submit", async (event) => {
    event.preventDefault();
    const body = {
      multiplier: Number(at("multiplier").value),
      reason: at("price-reason").value.trim(),
      ...(place.value ? { section: place.value } : {}),
    };
    const done = await change(() => send("POST", `${path}/prices`, body), {
      wrong: at("prices-wrong"),
      said: ({ seats_changed: seats }) => `The price of ${counted(seats, "seat")} changed.`,
    });
    if (done) at("price-reason").value = "";
  });
  return {
    offerSections(names) {
      if (place.options.length === names.length + 1) return;
      const chosen = place.value;
      place.replaceChildren(
        option("", "All sections"),
        ...names.toSorted(byName).map((one) => option(one, one, one === chosen)),
      );
    },
    chooseSection(name) {
      place.value = name;
      place.scrollIntoView({ block: "center" });
      place.focus();
    },
  };
}

/** The tiers, with their stock and price, which can be changed. */
export function showTiers(tiers, { currency }, path, change) {
  at("tier-table").hidden = !tiers.length;
  const cells = (tier) => {
    const price = html("input", {
      type: "number",
      step: "0.01",
      min: 0,
      value: tier.price,
      required: true,
      ariaLabel: `Price of ${tier.name}`,
    });
    const quantity = html("input", {
      type: "number",
      step: 1,
      min: 0,
      value: tier.quantity,
      required: true,
      ariaLabel: `Number of ${tier.name}`,
    });
    const save = () =>
      change(
        () =>
          send("PATCH", `${path}/tiers/${tier.tier_id}`, {
            ...(Number(price.value) === tier.price ? {} : { price: Number(price.value), reason: "changed by hand" }),
            ...(Number(quantity.value) === tier.quantity ? {} : { quantity: Number(quantity.value) }),
          }),
        { said: () => `${tier.name} is changed.` },
      );
    const button = html("button", {
      type: "button",
      textContent: "Save",
      ariaLabel: `Save ${tier.name}`,
      disabled: true,
      onclick: save,
    });
    for (const one of [price, quantity])
      one.addEventListener("input", () => {
        button.disabled = Number(price.value) === tier.price && Number(quantity.value) === tier.quantity;
      });
    return [
      html("th", { scope: "row", textContent: tier.name }),
      html("td", {}, price),
      html("td", {}, quantity),
      html("td", { textContent: count(tier.sold) }),
      html("td", { textContent: count(tier.available) }),
      html("td", { textContent: money(tier.revenue, currency) }),
      html("td", {}, button),
    ];
  };
  const body = at("tier-table").querySelector("tbody"),
    is = JSON.stringify(tiers);
  if (body.is === is) return;
  if (body.contains(document.activeElement) && document.activeElement.matches("input")) return; // somebody types here
  body.is = is;
  body.replaceChildren(...tiers.map((tier) => html("tr", {}, ...cells(tier))));
}

/** The log of prices. */
export function showChanges(changes, event) {
  at("price-log").hidden = !changes.length;
  at("price-log")
    .querySelector("tbody")
    .replaceChildren(
      ...changes.map((one) =>
        html(
          "tr",
          {},
          html("td", {}, momentAtVenue(one.changed_at, event)),
          html("td", { textContent: one.tier ?? (one.section ? `Section ${one.section}` : "All seats") }),
          html("td", {
            textContent: one.tier_id
              ? `${money(one.old_price, event.currency)} → ${money(one.new_price, event.currency)}`
              : `× ${one.multiplier ?? NOTHING}, ${counted(one.seats, "seat")}`,
          }),
          html("td", { textContent: one.reason }),
        ),
      ),
    );
}
