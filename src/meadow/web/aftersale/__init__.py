"""After-sale: claims as buyers, sellers and operators see them, and the orders that a seller sends."""
