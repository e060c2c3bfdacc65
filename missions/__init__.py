"""What to watch (`areas`), what to fly (`planning`), flying it (`flying`) and plan files (`formats`)."""
