"""How fast and how small: ratios measured inside one run, on both databases."""
