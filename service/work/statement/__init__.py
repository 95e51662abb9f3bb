"""How does another's file get into the ledger, and how is it compared with what we believe?"""
