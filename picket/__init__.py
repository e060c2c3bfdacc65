"""The front door: one module per command and the mission folder. Thin."""
