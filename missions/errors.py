"""Exceptions of `missions`; bad input is `vision.errors.InputError`.

MissionError            root
  NotFlyableError       the area, drone and camera allow no plan that holds its proof
    NoFenceError        no fence that an autopilot holds keeps everything in
  VehicleError          the vehicle refused, failed a check or did not answer
    StoppedError        a person ended it before the take-off
"""


class MissionError(RuntimeError):
    """Root of what can go wrong in `missions` with sound input."""


class NotFlyableError(MissionError):
    """No plan can be made that stays inside its fence and its battery; the text says why in one sentence."""


class NoFenceError(NotFlyableError):
    """No fence of so few vertices that an autopilot holds them keeps all that is flown, and every way home, inside."""


class VehicleError(MissionError):
    """The vehicle refused, failed a check or did not answer."""


class StoppedError(VehicleError):
    """A person ended it before the take-off."""
