"""WHAT IS TRUE. Pure: no I/O, no clock, no chance, no SQL, no HTTP."""
