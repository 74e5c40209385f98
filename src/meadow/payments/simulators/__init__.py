"""Stand-ins for real providers, for tests: each speaks its provider's wire format over HTTP on loopback."""
