"""The market: who is in it, and where its prices come from."""
