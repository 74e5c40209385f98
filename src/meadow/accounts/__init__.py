"""Who people are and what they may do: people, roles, staff, keys, standing and mail."""
