"""What a detector may ask for: its actions, the strongest last."""

DETECTOR_ACTIONS = ("note", "warn", "review", "hold", "block")
