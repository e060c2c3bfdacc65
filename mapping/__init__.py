"""Where things are (`ground`) and how they are shown (`maps`)."""
