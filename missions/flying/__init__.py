"""Flying a plan on a vehicle over MAVLink, and keeping the record of it."""
