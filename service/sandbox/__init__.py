"""PING++ IN A BOX. A fake Ping++ on loopback: true to the document, faulty on demand."""
