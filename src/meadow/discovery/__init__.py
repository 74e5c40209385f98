"""What people find: goods for creators to pick from, in one read table that events keep up."""
