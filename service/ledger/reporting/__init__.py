"""Which rows does a report show? One SELECT each, read from the caller's snapshot row by row."""
