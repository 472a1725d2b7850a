// What was bought, newest first, and refunds. No names: a promoter needs none for this.

import { at, html } from "../../shared/dom.js";
import { count, money } from "../../shared/words.js";
import { ask, send, wordsOf } from "../shared/api.js";
import { momentAtVenue } from "./hours.js";

const WORDS = {
  pending: "to be paid",
  paid: "paid",
  expired: "expired",
  cancelled: "cancelled",
  refunded: "refunded",
  partially_refunded: "partly refunded",
  HOLD: "on hold",
  CONFIRMED: "paid",
  EXPIRED: "expired",
  CANCELLED: "cancelled",
};
const REFUNDABLE = ["paid", "partially_refunded", "CONFIRMED"];

let further = 0; // pages that the promoter has asked for, beyond the first

/** Show the first page, or as many as the promoter has asked for. */
export async function showPurchases(first, event, path, change) {
  const rows = [...first.data];
  let cursor = first.next_cursor;
  for (let page = 0; page < further && cursor; page++) {
    const next = await ask(`${path}/purchases`, { limit: 20, cursor });
    rows.push(...next.data);
    cursor = next.next_cursor;
  }
  const is = JSON.stringify(rows);
  if (at("purchases").is === is) return; // so that what has the focus keeps it
  at("purchases").is = is;
  at("purchases").hidden = !rows.length;
  at("purchases")
    .querySelector("tbody")
    .replaceChildren(...rows.map((one) => rowOf(one, event, path, change)));
  const more = at("more-purchases");
  more.hidden = !cursor;
  more.onclick = () => {
    further++;
    showPurchases(first, event, path, change).catch((failure) => {
      at("refused").textContent = wordsOf(failure);
    });
  };
}

function rowOf(one, { currency, ...event }, path, change) {
  const name = one.order_id ? `Order ${one.order_id}` : `Booking ${one.booking_id}`;
  const rest = money(one.total_amount - one.refunded, currency);
  const refund = () =>
    confirm(`Refund ${name}? Its tickets will no longer be valid, and ${rest} goes back.`) &&
    change(
      () => send("POST", `${path}/refunds`, one.order_id ? { order_id: one.order_id } : { booking_id: one.booking_id }),
      { said: ({ amount }) => `${money(amount, currency)} of ${name} goes back.` },
    );
  return html(
    "tr",
    {},
    html("th", { scope: "row", textContent: name }),
    html("td", {}, momentAtVenue(one.paid_at ?? one.created_at, event)),
    html("td", { textContent: WORDS[one.status] }),
    html("td", { textContent: count(one.tickets.length) }),
    html("td", { textContent: money(one.total_amount, currency) }),
    html("td", { textContent: one.refunded > 0 ? money(one.refunded, currency) : "" }),
    html(
      "td",
      {},
      REFUNDABLE.includes(one.status)
        ? html("button", {
            type: "button",
            className: "plain",
            textContent: "Refund",
            ariaLabel: `Refund ${name}`,
            onclick: refund,
          })
        : "",
    ),
  );
}
