"""What do the console's pages ask of the ledger? Every answer is bounded in rows and in work."""
