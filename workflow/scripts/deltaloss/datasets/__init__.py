"""Examples: made, fetched, checked and kept in one format on disk."""
