"""Jobs over bars: options, steps, counters, submission."""
