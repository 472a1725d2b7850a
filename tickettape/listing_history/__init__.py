"""listing_history."""
