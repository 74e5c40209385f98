"""What merchants promise to creators: commission plans, their versions and who is in them."""
