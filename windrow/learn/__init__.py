"""Learning: scales, sequences, a network, and what its forecasts are worth."""
