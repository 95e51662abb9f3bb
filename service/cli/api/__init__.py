"""How one operation of Ping++ is called from the shell."""
