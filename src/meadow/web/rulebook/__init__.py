"""The pages of the rules: the rulebook for everybody, one's own limits and appeals, and the operators' desk."""
