// An event: what it is, its tiers and its seats. What is free is asked for again while the page is in front.

import { ROOT } from "../../shared/api.js";
import { at } from "../../shared/dom.js";
import { States } from "../../shared/states.js";
import { asUser, visit } from "../shared/account.js";
import { ask, send, wordsOf } from "../shared/api.js";
import { doorsOf, whenOf, whereOf } from "../shared/words.js";
import { fillBest, setUpBest } from "./best.js";
import { SeatMap } from "./map.js";
import { Tiers } from "./tiers.js";
import { Tray } from "./tray.js";
import { showWaitlist } from "./waitlist.js";

const LOOK_AGAIN_MS = 15_000;
const LOG_IN = "Log in, and they are held for you.";

const id = Number(location.pathname.split("/").at(-1));
const states = new States(at("offers"), () => load());
const tray = new Tray({ change: () => map.draw(), hold: (seats) => buy("bookings", { seats }) });
const tiers = new Tiers({ reserve: (lines) => buy("orders", { lines }), wait: (tier) => waitFor(tier) });
let event = null,
  map = null,
  plan = null,
  settings = null,
  busy = false,
  waitsForOne = false;

async function load() {
  states.show("loading", "Loading …");
  try {
    let left;
    [event, left, settings] = await Promise.all([ask(`events/${id}`), ask(`events/${id}/availability`), visit()]);
    about();
    tray.most = settings.most_seats;
    if (event.has_seats) {
      plan = (await planning)?.sections ?? (await ask(`events/${id}/seat-map`)).sections;
      map = new SeatMap(event, tray, refuse);
    }
    show(left);
  } catch (failure) {
    states.show("error", wordsOf(failure));
  }
}

function about() {
  document.title = `${event.title} · Tickettape`;
  at("title").textContent = event.title;
  at("when").replaceChildren(whenOf(event));
  at("where").textContent = [whereOf(event), doorsOf(event)].filter(Boolean).join(" · ");
  at("description").textContent = event.description ?? "";
}

function show(left) {
  const isOver = !left.on_sale;
  at("tiers").hidden = isOver || !left.tiers.length;
  at("seats").hidden = isOver || !map || !left.sections.some((one) => one.available);
  if (isOver) {
    return states.show(
      "empty",
      event.status === "cancelled" ? "This event is cancelled." : "Tickets for this event are not on sale now.",
    );
  }
  states.show("ready");
  const sections = sectionsOf(left);
  if (left.tiers.length) tiers.show(left.tiers, event.currency);
  if (map) {
    fillBest(sections, event.currency, settings.most_seats);
    tray.show(event.currency);
    map.show(sections);
  }
  at("waitlist").hidden = left.tickets_available > 0 && !waitsForOne;
  if (!at("waitlist").hidden)
    showWaitlist(event, { tiers: left.tiers, sections }, left.tickets_available ? "Waitlist" : "Sold out");
}

/** Offer to wait for one tier, while others are on sale. */
function waitFor(tier) {
  waitsForOne = true;
  showWaitlist(event, { tiers: [tier], sections: [] }, "Waitlist").focus();
}

/** The plan's sections, with what is free in each. */
function sectionsOf(left) {
  const free = new Map(left.sections.map((one) => [one.section, one]));
  const none = { available: 0, lowest_price: null, highest_price: null };
  return (plan ?? []).map((one) => ({ ...one, ...none, ...free.get(one.section) }));
}

async function lookAgain() {
  if (document.hidden || busy || states.name !== "ready") return;
  await ask(`events/${id}/availability`).then(show, () => {}); // a service that is away for a moment changes nothing
}

/** Reserve or hold, and go on to the payment. */
async function buy(kind, body) {
  if (busy) return;
  busy = true;
  refuse("");
  document.body.ariaBusy = "true";
  try {
    const made = await asUser(() => send("POST", `events/${id}/${kind}`, body), LOG_IN);
    if (!made) return;
    tray.clear(); // for whoever comes back
    location.assign(
      new URL(`box-office/${made.order_id ? `orders/${made.order_id}` : `bookings/${made.booking_id}`}`, ROOT),
    );
  } catch (failure) {
    refuse(wordsOf(failure));
  } finally {
    busy = false;
    document.body.ariaBusy = "false";
  }
  lookAgain();
}

function refuse(words) {
  at("refused").textContent = words;
  if (words) at("refused").scrollIntoView({ block: "nearest" });
}

setUpBest((wanted) => buy("bookings/best", wanted));
setInterval(lookAgain, LOOK_AGAIN_MS);
document.addEventListener("visibilitychange", lookAgain);
addEventListener("pageshow", (shown) => shown.persisted && lookAgain());
const planning = ask(`events/${id}/seat-map`).catch(() => null); // with the rest, for events that have seats
load();
