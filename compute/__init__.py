"""The rules: frames in, frames out. No file, clock, environment or orchestrator is known here."""
