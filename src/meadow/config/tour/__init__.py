"""The tour: the main job, done step by step by a client that has nothing but HTTP."""
