"""What people and programs see: the receiver, the probes, the pages."""
