"""What is in a picture: pixels in, boxes out. This package knows nothing of drones or maps."""
