"""When things run, and for whom: Prefect flows, settings and the command line."""
