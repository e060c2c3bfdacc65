"""From an area to sorties that stay inside their fence."""
