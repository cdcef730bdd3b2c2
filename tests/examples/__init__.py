"""Example companies, small enough to add up by hand."""
