"""Terrain, people and vehicles with known truth, and the frames a camera takes of them."""
