"""Where batches of frames run."""
