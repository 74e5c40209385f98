"""Where creators work: pick goods, write a recommendation, keep a showcase."""
