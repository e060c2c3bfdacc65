"""The one place that imports ultralytics, made to keep to itself first. Left alone it asks name servers whether it is
online, sends usage statistics, installs missing packages at run time, writes settings into the user's home
and logs to stdout; a patrol's laptop must do none of that, and stdout belongs to the command that runs.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from functools import cache
from types import ModuleType


@cache
def _settings_folder() -> tempfile.TemporaryDirectory[str]:
    """A folder for ultralytics' settings that goes away with this process."""
    return tempfile.TemporaryDirectory(prefix="picket-ultralytics-")


@cache
def import_ultralytics() -> tuple[ModuleType, ModuleType]:
    """The modules `ultralytics.nn.tasks` and `ultralytics.utils.nms`, imported offline and silent. Settings are read at
    import only, so this must be the first import of ultralytics in the process."""
    os.environ["YOLO_OFFLINE"] = "true"
    os.environ["YOLO_AUTOINSTALL"] = "false"
    os.environ["YOLO_VERBOSE"] = "false"
    os.environ.setdefault("YOLO_CONFIG_DIR", _settings_folder().name)
    from ultralytics import utils
    from ultralytics.nn import tasks
    from ultralytics.utils import nms

    if utils.SETTINGS["sync"]:
        utils.SETTINGS["sync"] = False
    for handler in utils.LOGGER.handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(sys.stderr)
    return tasks, nms
