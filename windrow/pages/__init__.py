"""Everything one looks at: pages that stand alone, and their pictures."""
