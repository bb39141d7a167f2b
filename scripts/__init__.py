"""What `make` runs: the set-up, the story of `make run`, and what writes the generated documents."""
