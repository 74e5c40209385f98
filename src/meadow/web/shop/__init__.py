"""The shopper's pages, from a recommendation to the order."""
