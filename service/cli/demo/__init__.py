"""HOW IT LOOKS: a fake Ping++, the daemon, a merchant, and a judge of the two books."""
