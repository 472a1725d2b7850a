// Reads a market as a web application does, and prints what it got as JSON.
import { createClient } from '@supabase/supabase-js';

const { POSTGREST_URL, ANON_KEY, TICKETTAPE_KEY, EVENT_ID } = process.env;
const supabase = createClient(POSTGREST_URL, ANON_KEY, {
  db: { schema: 'api' },
  global: {
    headers: { 'x-api-key': TICKETTAPE_KEY },
    // Supabase's gateway has PostgREST under /rest/v1; here it is asked directly
    fetch: (url, options) => fetch(String(url).replace('/rest/v1', ''), options),
  },
});

const questions = {
  events: supabase.from('events').select('id, name, currency').order('name'),
  latest_prices: supabase
    .from('latest_prices')
    .select('zone, lowest_price, total_tickets')
    .eq('event_id', EVENT_ID)
    .eq('available', true)
    .order('lowest_price'),
  second_page: supabase
    .from('aggregated_analytics')
    .select('zone, hour, min_price', { count: 'exact' })
    .eq('event_id', EVENT_ID)
    .order('hour', { ascending: false })
    .order('zone')
    .range(2, 3),
  cheap_hours: supabase
    .from('aggregated_analytics')
    .select('*', { count: 'exact', head: true })
    .eq('event_id', EVENT_ID)
    .lt('min_price', 45),
  event_and_its_zones: supabase.from('events').select('name, latest_prices(zone)').eq('id', EVENT_ID).single(),
  price_trends: supabase
    .rpc('price_trends', { event_id: EVENT_ID, start_date: '2026-11-20', end_date: '2026-11-21' })
    .eq('zone', 'Upper')
    .order('timestamp', { ascending: false }),
  no_such_event: supabase.rpc('price_trends', { event_id: '00000000-0000-0000-0000-000000000000' }),
  an_estimate: supabase.from('events').select('*', { count: 'planned' }),
};

const answers = {};
for (const [name, question] of Object.entries(questions)) {
  const { data, count, status, error } = await question;
  answers[name] = { data, count, status, hint: error?.hint ?? null };
}
console.log(JSON.stringify(answers));
