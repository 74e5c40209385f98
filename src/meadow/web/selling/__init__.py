"""Selling here: opening a merchant, applying for payment, and how reviewers look at it."""
