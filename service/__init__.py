"""pingledger: receive, poll, reconcile and publish what Ping++ says about money."""
