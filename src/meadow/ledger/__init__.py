"""The ledger: accounts, transfers, holds, split and reversal, statements.  It knows names and money, never an order."""
