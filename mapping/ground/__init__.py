"""From pixels, poses and terrain to places on the ground with their uncertainty."""
