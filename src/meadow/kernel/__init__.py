"""What every context stands on: money, ids, time, events, states, limits.  Imports nothing of ours."""
