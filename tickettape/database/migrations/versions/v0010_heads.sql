-- What the next tick is compared with, in another form: made again from the history.
drop table market.listing_heads;
create unlogged table market.listing_heads (
    event_key integer primary key,
    tick timestamptz not null,
    entries bytea not null
);
alter table market.listing_heads alter column entries set storage external;  -- to compress it took longer than to write
comment on table market.listing_heads is 'Everything for sale at each event''s newest read answer: a cache of the history';
