"""Areas to watch: what officers draw or have on file, read, mended where the mend is certain, and checked."""
