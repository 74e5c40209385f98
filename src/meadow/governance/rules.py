"""What the rulebook says: the published rules, the actions a decision may take, and what each refusal says."""

ACTIONS = ("suspend", "restore", "block_link", "warn_link", "reverse")
