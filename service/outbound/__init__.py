"""What we tell others, each kind of receiver in a module of its own."""
