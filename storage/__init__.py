"""Where things are: the lake, the landing area, the ledger. No orchestrator is known here."""
