"""The inbox and who may write into it."""
