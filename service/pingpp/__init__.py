"""WHAT THEY SAY. The only room that knows Ping++'s wire."""
