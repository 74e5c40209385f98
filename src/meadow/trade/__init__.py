"""How goods change hands for money: cart, checkout, orders, escrow, refunds."""
