"""WHAT WE REMEMBER. The only room that knows SQL."""
