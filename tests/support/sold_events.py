"""Events of the served market that a box office sells too, with all that may be said of them, and with nothing."""

ADD_SOLD = """
    insert into box_office.stored_events (id, title, slug, venue, start_time, currency)
        values (7, 'A concert', 'a', 'A hall', '2099-01-01', 'USD'),
            (8, 'A matinee', 'b', 'A hall', '2099-01-01', 'EUR');
    insert into box_office.stored_tiers (id, event_id, name, price, quantity)
        values (1, 7, 'Lower', 35, 100), (2, 7, 'Standing', 25, 50), (3, 8, 'Floor', 10, 0);
    insert into market.event_sides (source, external_id, event_key, catalogue_event_id)
        select sides.source, sides.external_id, sides.event_key, events.id
        from market.events cross join lateral (values
            (events.source, events.external_id, events.event_key),
            ('box_office', case events.external_id when '1' then '7' else '8' end, null)
        ) as sides (source, external_id, event_key)
        where events.external_id in ('1', '2') on conflict do nothing;
    insert into market.event_links (source, external_id, other_source, other_external_id, state, rule, evidence,
            confidence, decided_by)
        select 'box_office', case external_id when '1' then '7' else '8' end, source, external_id, 'confirmed',
            'a test', '{}', 1, 'a test'
        from market.events where external_id in ('1', '2');
    insert into analytics.sales_by_hour values
        (7, '2026-11-20 10:00Z', 1, 'Lower', null, 4, 140, 1, 35, now()),
        (7, '2026-11-20 11:00Z', null, null, 'A', 1, 90, 0, 0, now());
    insert into analytics.event_sales_summary (event_id, title, promoter_id, start_time, tickets_sold, gross, refunds,
            net, service_fees, tickets_available, sell_through, last_sale_at, currency, created_at)
        values (7, 'A concert', 1, '2099-01-01', 4, 240, 35, 205, 10, 146, 0.0267, '2026-11-20 11:10Z', 'USD', now()),
            (8, 'A matinee', null, '2099-01-01', 0, 0, 0, 0, 0, 0, null, null, 'EUR', now())"""
"""Events 1 and 2 of the served market are 7 and 8 of the box office; there is nothing of event 8."""
