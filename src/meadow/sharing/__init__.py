"""How things travel outside: share tokens in every form, views and the clicks they become."""
