"""The command line `techflow`: one file per command."""
