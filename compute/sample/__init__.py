"""A generated company: a seed in, its records out, with faults on request. No file, no clock, no environment."""
