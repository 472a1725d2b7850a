-- What the next tick is compared with is packed in another form: made again from the history.
truncate market.listing_heads;
