// What a price alert would have told, in words.

import { money } from "./words.js";

const TOLD_SHOWN = 3;

/** The answer of a preview. `when(instant)` says an instant; `here` is the id of the event that needs no name. */
export function previewInWords(answer, when, here = null) {
  const left = answer.left_out
    ? ` ${answer.left_out} ${answer.left_out === 1 ? "price was" : "prices were"} left out as probable mistakes.` : "";
  const tried = answer.events_tried < answer.events
    ? ` It was tried on the next ${answer.events_tried} of ${answer.events} events.` : "";
  if (!answer.events) return "It is about no event now.";
  if (!answer.captures) return "There was no complete capture in the last 30 days to try it on.";
  if (!answer.basis_known) return "The marketplace states no such prices here, so this alert cannot tell you anything. Choose the other kind of prices.";
  if (!answer.told) return `In the last 30 days it would not have told you anything.${left}${tried}`;
  const times = answer.told === 1 ? "once" : `${answer.told} times`;
  const last = answer.data.slice(-TOLD_SHOWN).map((one) => {
    const what = one.price !== null ? money(one.price, one.currency)
      : one.tickets_left !== null ? `${one.tickets_left} tickets` : "for sale again";
    return `${when(Date.parse(one.timestamp))} ${what}${one.event_id === here ? "" : ` for ${one.event}`}`;
  });
  return `In the last 30 days it would have told you ${times}: ${last.join("; ")}.${left}${tried}`;
}
