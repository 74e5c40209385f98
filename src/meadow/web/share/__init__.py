"""Pages of sharing: a creator's shares with everything for the channel at hand, and the operator's registry of channels."""
