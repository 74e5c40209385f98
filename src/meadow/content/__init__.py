"""What creators publish: recommendations of products, each with a reason."""
