"""Pages of what people say and show: comments, pictures, reports."""
