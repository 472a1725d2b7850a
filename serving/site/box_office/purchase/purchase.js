// One order or booking: held until it is paid, then its tickets. What it is now is asked of the service, never guessed.

import { ROOT } from "../../shared/api.js";
import { at, html } from "../../shared/dom.js";
import { States } from "../../shared/states.js";
import { money } from "../../shared/words.js";
import { asUser, visit } from "../shared/account.js";
import { ask, send, wordsOf } from "../shared/api.js";
import { Countdown } from "../shared/countdown.js";
import { ticketCard } from "../shared/ticket-cards.js";
import { placeOf, tickets, whenOf, whereOf } from "../shared/words.js";
import { paymentForm } from "./payment.js";

const ASK_AGAIN_MS = 2_000,
  MOST_TRIES = 30; // while a payment is on its way
const LIVE = ["pending", "HOLD"],
  PAID = ["paid", "partially_refunded", "CONFIRMED"],
  EXPIRED = ["expired", "pending", "EXPIRED", "HOLD"];

const LOG_IN = "Log in to see this purchase.";
const [kind, id] = location.pathname.split("/").slice(-2);
const path = `${kind}/${Number(id)}`;
const states = new States(at("purchase"), () => load());
let purchase = null,
  event = null,
  settings = null,
  countdown = null,
  payment = null;

async function load() {
  try {
    settings = await visit();
    const found = await asUser(() => ask(path), LOG_IN);
    if (!found) return states.show("empty", LOG_IN);
    event ??= await ask(`events/${found.event_id}`);
    about();
    await show(found);
    states.show("ready");
  } catch (failure) {
    states.show("error", failure.status === 404 ? "This account has no such purchase." : wordsOf(failure));
  }
}

function about() {
  document.title = `${event.title} · Tickettape`;
  at("title").textContent = event.title;
  at("when").replaceChildren(whenOf(event));
  at("where").textContent = whereOf(event);
}

async function show(found) {
  purchase = found;
  countdown?.stop();
  const live = LIVE.includes(found.status) && found.seconds_left > 0,
    paid = PAID.includes(found.status);
  for (const name of ["held", "ended", "bought"]) at(name).hidden = true;
  if (live) showHeld();
  else if (paid) await showBought();
  else showEnded();
  showSum();
}

function showHeld() {
  const { seconds_left: left, extensions_left: extensions } = purchase;
  countdown = new Countdown("Held for you for", left, () => refresh());
  const more =
    extensions > 0
      ? html("button", {
          type: "button",
          id: "extend",
          textContent: "Hold for longer",
          onclick: () => act("extend", (now) => show(now)),
        })
      : "";
  const cancel = html("button", {
    type: "button",
    id: "cancel",
    className: "plain",
    textContent: "Cancel",
    onclick: () => act("cancel", (now) => show(now)),
  });
  payment ??= paymentForm(
    { path, total: purchase.total_amount, currency: purchase.currency, settings },
    { paid: () => refresh({ until: (now) => !LIVE.includes(now.status) }), failed: refuse, over: () => refresh() },
  );
  at("held").hidden = false;
  at("held").replaceChildren(html("div", { className: "clock-line" }, countdown.place, more), payment, cancel);
}

function showEnded() {
  const back = money(purchase.refunded, purchase.currency);
  const words =
    EXPIRED.includes(purchase.status) && purchase.refunded > 0
      ? ["Your payment came too late", `Others had bought the tickets. ${back} goes back to you.`]
      : EXPIRED.includes(purchase.status)
        ? [
            "The time ran out",
            "You had not paid yet, so nothing was charged. The tickets can be bought by others again.",
          ]
        : purchase.status === "refunded" || purchase.refunded > 0
          ? ["Refunded", `${back} goes back to you. The tickets are no longer valid.`]
          : ["Cancelled", "Nothing was charged."];
  at("ended").hidden = false;
  at("ended").replaceChildren(
    html("h2", { textContent: words[0] }),
    html("p", { textContent: words[1] }),
    html(
      "p",
      {},
      html("a", {
        className: "button primary",
        href: new URL(`box-office/events/${purchase.event_id}`, ROOT).href,
        textContent: "Choose again",
      }),
    ),
  );
}

async function showBought() {
  const found = (await ask("tickets")).data.filter((one) => purchase.tickets.includes(one.ticket_id));
  const valid = found.filter((one) => one.status === "valid").length;
  at("bought").hidden = false;
  at("bought").replaceChildren(
    html(
      "div",
      { className: "bought-line" },
      html("h2", { textContent: `You have ${tickets(valid)}` }),
      html("button", { type: "button", id: "print", textContent: "Print", onclick: () => print() }),
    ),
    html("p", {
      className: "soft",
      textContent: "Show the code at the door, on the phone or on paper. It admits once.",
    }),
    html("ul", { className: "tickets" }, ...found.map((one) => ticketCard(one, event))),
  );
}

function showSum() {
  const { currency } = purchase;
  const lines =
    purchase.lines?.map((one) => [`${one.quantity} × ${one.tier}`, one.quantity * one.unit_price]) ??
    purchase.seats.map((one) => [placeOf(one), one.price]);
  const rest = [
    ["Service fee", purchase.service_fee],
    ["Tax", purchase.tax],
  ].filter(([, amount]) => amount > 0);
  const row = ([name, amount], type = "td") =>
    html(
      "tr",
      {},
      html("th", { scope: "row", textContent: name }),
      html(type, { textContent: money(amount, currency) }),
    );
  at("sum").hidden = false;
  at("sum-title").textContent = PAID.includes(purchase.status) ? "What you paid" : "What you chose";
  at("sum")
    .querySelector("tbody")
    .replaceChildren(...lines.map((one) => row(one)), ...rest.map((one) => row(one)));
  at("sum")
    .querySelector("tfoot")
    .replaceChildren(
      row(["Total", purchase.total_amount]),
      ...(purchase.refunded > 0 ? [row(["Refunded", purchase.refunded])] : []),
    );
}

async function act(what, then) {
  refuse("");
  try {
    await then((await asUser(() => send("POST", `${path}/${what}`), LOG_IN)) ?? purchase);
  } catch (failure) {
    refuse(wordsOf(failure));
    await refresh();
  }
}

/** Ask what it is now; again and again, within a limit, until `until` is true of it. */
async function refresh({ until = () => true } = {}) {
  try {
    for (let tries = 1; ; tries++) {
      const now = await asUser(() => ask(path), LOG_IN);
      if (!now) return undefined;
      if (until(now)) return await show(now);
      if (tries === MOST_TRIES)
        return refuse(
          "The payment has not arrived yet. This page shows the tickets once it has; load it again in a minute.",
        );
      if (tries === 2) refuse("");
      await new Promise((end) => setTimeout(end, ASK_AGAIN_MS));
    }
  } catch (failure) {
    refuse(wordsOf(failure));
  }
}

function refuse(words) {
  at("refused").textContent = words;
}

// a clock of the page stands still while the phone sleeps
document.addEventListener(
  "visibilitychange",
  () => !document.hidden && countdown && LIVE.includes(purchase?.status) && refresh(),
);
load();
