"""Officers' reviews of sightings: kept for good, only ever added to, each chained to the one before it."""
