"""Plan files other ground stations read and write."""
