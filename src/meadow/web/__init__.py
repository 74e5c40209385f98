"""The people's door: pages that parse, authorise and render, and hold no business rule."""
