"""Root exception of `mapping`; bad input is `vision.errors.InputError`."""


class MappingError(RuntimeError):
    """A place, map or export could not be made though the input was sound."""
