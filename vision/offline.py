"""The one place that imports ultralytics, made to keep to itself first. Left alone it asks name servers whether it is
online, sends usage statistics, installs missing packages at run time, writes settings into the user's home
and logs to stdout; a patrol's laptop must do none of that, and stdout belongs to the command that runs.
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import sys
import tempfile
from functools import cache
from types import ModuleType


@cache
def import_ultralytics() -> tuple[ModuleType, ModuleType]:
    """The modules `ultralytics.nn.tasks` and `ultralytics.utils.nms`, imported offline and silent. Settings are read at
    import only, so this must be the first import of ultralytics in the process."""
    os.environ["YOLO_OFFLINE"] = "true"
    os.environ["YOLO_AUTOINSTALL"] = "false"
    os.environ["YOLO_VERBOSE"] = "false"
    if "YOLO_CONFIG_DIR" not in os.environ:
        folder = tempfile.mkdtemp(prefix="picket-ultralytics-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)  # ultralytics' settings go away with this process
        os.environ["YOLO_CONFIG_DIR"] = folder
    from ultralytics import utils
    from ultralytics.nn import tasks
    from ultralytics.utils import nms

    if utils.SETTINGS["sync"]:
        utils.SETTINGS["sync"] = False
    for handler in utils.LOGGER.handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(sys.stderr)
    return tasks, nms
