-- ISO 4217. Null until the first answer or file says it; from then on it stands, and no other is taken.
alter table market.events
    add column currency text check (currency ~ '^[A-Z]{3}$');

update market.events set currency = 'USD';
