// Reads all that a key sees, with openapi-fetch and the types that openapi-typescript makes of /openapi.json.
// A test compiles it, which checks every page, row and field, and runs it.
import createClient from "openapi-fetch";
import type { paths } from "./openapi.js";

declare const process: { env: { URL: string; KEY: string } };

const client = createClient<paths, "application/json" | "application/problem+json">({
  baseUrl: process.env.URL,
  headers: { "X-API-Key": process.env.KEY },
});
const range = { start_date: "2026-11-20", end_date: "2026-11-20T23:00:00Z", limit: 2 };

/** Print a row: the operation, the row, and one of its fields by name. */
function say(operation: string, row: object, field: number | string) {
  console.log(JSON.stringify([operation, row, field]));
}

/** An answer, if it is what was asked for. */
function given<T>(answer: { data?: T; error?: { status: number; detail: string } }): T {
  if (answer.data === undefined) throw new Error(`${answer.error?.status}: ${answer.error?.detail}`);
  return answer.data;
}

/** The rows of all pages. */
async function* rows<R>(ask: (cursor?: string) => Promise<{ data: R[]; next_cursor: string | null }>) {
  let cursor: string | undefined;
  do {
    const page = await ask(cursor);
    yield* page.data;
    cursor = page.next_cursor ?? undefined;
  } while (cursor);
}

const events = rows(async (cursor) => given(await client.GET("/api/events", { params: { query: { limit: 1, cursor } } })));
for await (const event of events) {
  say("list_events", event, event.date ? new Date(event.date).getUTCFullYear() : 0);
  const params = { path: { event_id: event.id } };
  const detail = given(await client.GET("/api/events/{event_id}", { params }));
  say("get_event", detail, detail.total_tickets + detail.zones);
  for (const zone of given(await client.GET("/api/events/{event_id}/zones", { params })).data)
    say("list_zones", zone, zone.sections.join(", "));
  for (const price of given(await client.GET("/api/events/{event_id}/latest", { params })).data)
    say("get_latest_prices", price, Math.round(price.last_price * price.total_tickets));
  const query = (cursor?: string) => ({ params: { query: { event_id: event.id, ...range, cursor } } });
  for await (const trend of rows(async (at) => given(await client.GET("/api/analytics/price-trends", query(at)))))
    say("get_price_trends", trend, trend.min_price ? new Date(trend.timestamp).getUTCHours() : 0);
  for await (const group of rows(async (at) => given(await client.GET("/api/analytics/group-prices", query(at)))))
    say("get_group_prices", group, Math.round(2 * (group.price_2 ?? 0)));
  for await (const count of rows(async (at) => given(await client.GET("/api/analytics/ticket-counts", query(at)))))
    say("get_ticket_counts", count, count.total_tickets ?? 0);
  const asked = (cursor?: string) => ({ params: { ...params, query: { ...range, limit: 1, cursor } } });
  for await (const price of rows(async (at) => given(await client.GET("/api/events/{event_id}/get-in", asked(at)))))
    say("get_get_in_prices", price, Math.round(price.price_2 ?? 0));
  const distribution = "/api/events/{event_id}/price-distribution";
  for await (const spread of rows(async (at) => given(await client.GET(distribution, asked(at)))))
    say("get_price_distribution", spread, Math.round(spread.median_price ?? 0));
  const changes = "/api/events/{event_id}/inventory-changes";
  for await (const change of rows(async (at) => given(await client.GET(changes, asked(at)))))
    say("get_inventory_changes", change, change.appeared ?? 0);
  for await (const sale of rows(async (at) => given(await client.GET("/api/events/{event_id}/estimated-sales", asked(at)))))
    say("get_estimated_sales", sale, sale.sold_tickets ?? 0);
  for await (const day of rows(async (at) => given(await client.GET("/api/events/{event_id}/days-on-market", asked(at)))))
    say("get_days_on_market", day, Math.round(day.median_days));
  for (const side of given(await client.GET("/api/events/{event_id}/across-markets", { params })).data)
    say("list_across_markets", side, Math.round(100 * (side.ticket_share ?? 0)));
  for (const offer of given(await client.GET("/api/events/{event_id}/shared-offers", { params })).data)
    say("list_shared_offers", offer, Math.round(offer.price - offer.other_price));
  for await (const spread of rows(async (at) => given(await client.GET("/api/events/{event_id}/price-spread", asked(at)))))
    say("get_price_spread", spread, Math.round(spread.spread ?? 0));
  const page = (cursor?: string) => ({ limit: 1, cursor });
  const listings = (at?: string) => client.GET("/api/events/{event_id}/listings", { params: { ...params, query: page(at) } });
  for await (const listing of rows(async (at) => given(await listings(at)))) {
    say("list_listings", listing, new Date(listing.first_seen_at).getUTCDate());
    const path = { event_id: event.id, listing_id: listing.listing_id };
    const history = "/api/events/{event_id}/listings/{listing_id}/history";
    for await (const state of rows(async (at) => given(await client.GET(history, { params: { path, query: page(at) } }))))
      say("get_listing_history", state, new Date(state.from_tick).getUTCMinutes());
  }
}
const board = (cursor?: string) => client.GET("/api/board", { params: { query: { limit: 1, cursor } } });
for await (const row of rows(async (at) => given(await board(at))))
  say("list_board", row, `${row.kind} ${row.sparkline.length} ${row.age_minutes}`);
const links = (cursor?: string) => client.GET("/api/links", { params: { query: { limit: 1, cursor } } });
for await (const link of rows(async (at) => given(await links(at))))
  say("list_links", link, `${link.name} ${link.other_name} ${link.confidence}`);
const movers = (cursor?: string) => client.GET("/api/movers", { params: { query: { days: 1, limit: 1, cursor } } });
for await (const mover of rows(async (at) => given(await movers(at)))) say("list_movers", mover, Math.round(100 * mover.share));
