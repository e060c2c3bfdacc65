"""The one place that imports ultralytics and OpenVINO, made to keep to themselves first. Left alone ultralytics asks
name servers whether it is online, installs missing packages at run time, writes settings into the user's home and logs
to stdout, and both send usage statistics; a patrol's laptop must do none of that, and stdout belongs to the
command that runs.
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


def import_openvino(isa: str | None = None) -> ModuleType:
    """The module `openvino`, whose usage statistics cannot be imported. `isa` keeps it to that set of a processor's
    instructions (a name oneDNN knows), unless the user's environment says which; it counts when given before
    the first network of the process runs."""
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # importing it fails, and openvino has a stub
    if isa:
        os.environ.setdefault("ONEDNN_MAX_CPU_ISA", isa)
    import openvino

    return openvino
