"""Is everything that is kept still what it was when it came? Offline, from the stored bytes."""
