"""What the rules say: the rulebook, recorded decisions, partners and the link policy."""
