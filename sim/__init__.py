"""A place to practise: a vehicle (`vehicle`) and a world for its camera (`world`)."""
