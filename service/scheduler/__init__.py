"""Which job fires when: the table of jobs, and the loop that fires them.

Every replica runs the same table. A job that works on claimed rows runs in all of them; one that
must run once per firing inserts its slot first, and who inserts it runs it. Nothing is persisted
but the slots, and nobody leads.
"""
