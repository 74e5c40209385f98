"""How posters and cards are drawn: fonts, lines of text in any script, and the pictures themselves."""
