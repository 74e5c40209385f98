"""Pages about who earns and why: for creators, and the single-level report for operators."""
