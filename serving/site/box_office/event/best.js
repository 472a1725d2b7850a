// The plain way to a seat: how many together, perhaps where and up to which price.

import { at } from "../../shared/dom.js";
import { wholeMoney } from "../../shared/words.js";
import { option } from "../shared/words.js";

const MOST = 10; // offered in the list; more can be chosen on the map

/** `get({quantity, section, most_price})` is called when the buyer wants them. */
export function setUpBest(get) {
  at("best").addEventListener("submit", (event) => {
    event.preventDefault();
    const [section, price] = [at("best-section").value, at("most-price").value];
    get({
      quantity: Number(at("how-many").value),
      ...(section ? { section } : {}),
      ...(price ? { most_price: Number(price) } : {}),
    });
  });
}

/** Offer what there is. What the buyer chose stays. */
export function fillBest(sections, currency, most) {
  const free = sections.filter((one) => one.available > 0);
  const limit = Math.min(
    MOST,
    most,
    sections.reduce((sum, one) => sum + one.available, 0),
  );
  refill(
    at("how-many"),
    Array.from({ length: limit }, (_, n) => [String(n + 1), String(n + 1)]),
    "2",
  );
  refill(at("best-section"), [["", "Anywhere"], ...free.map((one) => [one.section, one.section])]);
  const prices = [...new Set(free.flatMap((one) => [one.lowest_price, one.highest_price]))].sort((a, b) => a - b);
  refill(at("most-price"), [["", "Any price"], ...prices.map((one) => [String(one), wholeMoney(one, currency)])]);
}

/** The options of a list, where they have changed. */
export function refill(select, pairs, first = "") {
  const is = JSON.stringify(pairs),
    chosen = select.options.length ? select.value : first;
  if (select.is === is) return;
  select.is = is;
  select.replaceChildren(...pairs.map(([value, text]) => option(value, text)));
  select.value = pairs.some(([value]) => value === chosen) ? chosen : (pairs[0]?.[0] ?? "");
}
