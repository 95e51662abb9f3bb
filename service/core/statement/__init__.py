"""What does a row of somebody else's file say? Pure: text in, lines or refusals out."""
