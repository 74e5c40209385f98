"""Money in and out: payment adapters, notices, refunds at the provider, payouts, and the sandbox provider."""
