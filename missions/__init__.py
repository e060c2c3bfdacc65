"""What to fly (`planning`), flying it (`flying`) and plan files (`formats`)."""
