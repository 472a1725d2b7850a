// What is mine: what must still be paid, tickets by event, and what I wait for.

import { ROOT } from "../../shared/api.js";
import { at, html } from "../../shared/dom.js";
import { States } from "../../shared/states.js";
import { money } from "../../shared/words.js";
import { asUser, visit } from "../shared/account.js";
import { ask, send, wordsOf } from "../shared/api.js";
import { seatsInWords, tickets, timeLeftSpoken, whenOf, whereOf } from "../shared/words.js";

const states = new States(at("mine"), () => load());
const LOG_IN = "Log in to see your tickets.";

async function load() {
  try {
    await visit();
    const found = await asUser(
      () => Promise.all(["tickets", "orders", "bookings", "waitlist"].map((one) => ask(one))),
      LOG_IN,
    );
    if (!found) {
      states.show("empty", LOG_IN);
      return;
    }
    show(...found.map((one) => one.data));
  } catch (failure) {
    states.show("error", wordsOf(failure));
  }
}

function show(owned, orders, bookings, waiting) {
  const offered = new Set(waiting.flatMap(({ offer }) => (offer ? [offer.order_id ?? -offer.booking_id] : [])));
  const unpaid = [
    ...orders.filter((one) => one.status === "pending"),
    ...bookings.filter((one) => one.status === "HOLD"),
  ].filter((one) => one.seconds_left > 0 && !offered.has(one.order_id ?? -one.booking_id));
  const now = Date.now() - 12 * 3_600_000,
    valid = owned.filter((one) => one.status !== "refunded" && one.status !== "void");
  const isPast = (one) => Date.parse(one.event_start_time) < now;
  fill("unpaid", unpaid.map(unpaidCard));
  fill("upcoming", byPurchase(valid.filter((one) => !isPast(one))).map(ticketsCard));
  fill("waiting", waiting.map(waitingCard));
  fill("past", byPurchase(valid.filter(isPast)).map(ticketsCard));
  if (unpaid.length + valid.length + waiting.length) states.show("ready");
  else states.show("empty", "You have no tickets yet.");
}

function fill(id, cards) {
  at(id).hidden = !cards.length;
  at(id)
    .querySelector("ul")
    .replaceChildren(...cards);
}

const byPurchase = (owned) =>
  [...Map.groupBy(owned, (one) => linkOf(one)).values()].sort(
    ([a], [b]) => Date.parse(a.event_start_time) - Date.parse(b.event_start_time),
  );

const linkOf = ({ order_id: order, booking_id: booking }) =>
  new URL(order ? `box-office/orders/${order}` : `box-office/bookings/${booking}`, ROOT).href;

const card = (href, title, lines, beside) =>
  html(
    "li",
    { className: "card" },
    html("div", {}, html("h3", {}, href ? html("a", { href, textContent: title }) : title), ...lines),
    beside,
  );

const figure = (words, below) =>
  html("p", { className: "price" }, html("b", { textContent: words }), html("small", { textContent: below }));

function ticketsCard(owned) {
  const [first] = owned,
    tiers = Map.groupBy(
      owned.filter((one) => one.tier),
      (one) => one.tier,
    );
  const what = [...tiers].map(([tier, ofTier]) => `${ofTier.length} × ${tier}`);
  const archived = !tiers.size && !first.section; // its booking and its seats are not here any more
  if (!tiers.size && !archived) what.push(seatsInWords(owned));
  return card(
    archived ? null : linkOf(first),
    first.event_title,
    [
      html("p", {}, whenOf({ start_time: first.event_start_time, ...first })),
      html("p", { className: "soft", textContent: whereOf(first) }),
      html("p", { textContent: what.join(", ") }),
    ],
    figure(tickets(owned.length), owned.every((one) => one.status === "used") ? "used" : ""),
  );
}

function unpaidCard(one) {
  const what = one.seats
    ? seatsInWords(one.seats)
    : one.lines.map((line) => `${line.quantity} × ${line.tier}`).join(", ");
  return card(
    linkOf(one),
    one.event_title,
    [
      html("p", { textContent: what }),
      html("p", { className: "rise", textContent: `Held for you for ${timeLeftSpoken(one.seconds_left)}` }),
    ],
    figure(money(one.total_amount, one.currency), "to pay"),
  );
}

function waitingCard(entry) {
  const { offer } = entry;
  const leave = html("button", {
    type: "button",
    className: "plain",
    textContent: offer ? "I do not want them" : "Leave the waitlist",
    onclick: async () => {
      try {
        await asUser(() => send("DELETE", `waitlist/${entry.waitlist_id}`), LOG_IN);
        await load();
      } catch (failure) {
        states.keepStale(wordsOf(failure));
      }
    },
  });
  const wishes = [
    entry.section_preference && `section ${entry.section_preference}`,
    entry.max_price !== null && `up to ${entry.max_price} per ticket`,
  ]
    .filter(Boolean)
    .join(", ");
  return card(
    offer ? linkOf(offer) : new URL(`box-office/events/${entry.event_id}`, ROOT).href,
    entry.event_title,
    [
      html("p", { textContent: `${tickets(entry.quantity)}${wishes ? `, ${wishes}` : ""}` }),
      offer
        ? html("p", {
            className: "rise",
            textContent: `It is your turn. They are held for you for ${timeLeftSpoken(offer.seconds_left)}.`,
          })
        : html("p", { className: "soft", textContent: `Number ${entry.place} in the queue` }),
    ],
    leave,
  );
}

load();
