"""HTML pages that need no network, and their PNG pictures."""
