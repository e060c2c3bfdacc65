"""Sightings for other tools, one file of this room for each format; `formats.py` lists them."""
