"""An ArduCopter-like vehicle on MAVLink."""
