"""Who earns on a sale: the attribution of order lines to clicks, and the commission that follows it."""
