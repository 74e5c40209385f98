"""Drills: long proofs on a private installation, of what tests show at a small size."""
