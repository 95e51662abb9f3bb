"""How does a report become a file? One module per format."""
