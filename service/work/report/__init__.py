"""Which reports are there, and how is one made?"""
