"""Signing in, the account and its settings."""
