"""Mutation of `compute/`, run by hand (`make mutation`): small changes that some test must notice."""
