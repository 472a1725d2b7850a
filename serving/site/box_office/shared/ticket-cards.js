// Tickets with their QR codes: as cards on the page, as PNG files, and printed at the size of a bank card.

import { html } from "../../shared/dom.js";
import { money } from "../../shared/words.js";
import { imageOf } from "./api.js";
import { placeOf, whenOf, whereOf } from "./words.js";

const SAYS = { used: "Used", refunded: "Refunded", void: "Not valid" };

/** A ticket as a list item. `event` is for its time and place. */
export function ticketCard(ticket, event) {
  const valid = ticket.status === "valid",
    place = placeOf(ticket);
  return html(
    "li",
    { className: `ticket ${ticket.status}` },
    valid
      ? html("img", {
          src: imageOf(`tickets/${ticket.ticket_id}/qr.svg`),
          alt: `QR code of the ticket for ${place}`,
          className: "qr",
        })
      : html("p", { className: "qr", textContent: SAYS[ticket.status] }),
    html(
      "div",
      {},
      html("h3", { textContent: ticket.event_title }),
      html("p", {}, whenOf(event)),
      html("p", { className: "soft", textContent: whereOf(event) }),
      html("p", { className: "place", textContent: place }),
      html("p", { className: "soft price", textContent: money(ticket.price, ticket.currency) }),
      valid ? html("p", { className: "code", textContent: ticket.ticket_code }) : "",
      valid
        ? html(
            "p",
            { className: "links" },
            html("a", {
              href: imageOf(`tickets/${ticket.ticket_id}/qr.png`),
              download: `${ticket.event_title} ${place}.png`,
              textContent: "Save as PNG",
              ariaLabel: `Save as PNG: ${place}`,
            }),
          )
        : "",
    ),
  );
}
