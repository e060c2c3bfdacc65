"""Root exception of `sim`; bad input is `vision.errors.InputError`."""


class SimulationError(RuntimeError):
    """The practice vehicle or world could not be started or kept running."""
