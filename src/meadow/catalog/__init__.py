"""What is sold: shops, products, SKUs, prices, stock, and the files they come from and go to."""
