"""Pages about money of one's own and the operators' money desk: withdrawals, bank details, providers, payouts, days."""
