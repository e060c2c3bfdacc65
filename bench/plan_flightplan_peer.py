"""The rows that `drone-flightplan` lays over polygons; run by `plan_peers` with an interpreter that has that package.

JSON in: polygons in metres with the spacings. JSON out: for each, the rows as [[x, y], [x, y]] in the order flown. Its
own functions are called in metres, which spares it the distortion of the Web Mercator map it works in otherwise.
"""

import json
import logging
import sys
import types

from shapely.geometry import shape

logging.disable(logging.CRITICAL)
# The package imports GDAL's bindings for its elevations, which are not asked for here.
for _name in ("osgeo", "osgeo.gdal", "osgeo.ogr", "osgeo.osr"):
    sys.modules.setdefault(_name, types.ModuleType(_name))
for _name in ("gdal", "ogr", "osr"):
    setattr(sys.modules["osgeo"], _name, sys.modules[f"osgeo.{_name}"])
from drone_flightplan.waypoints import (  # noqa: E402  type: ignore
    calculate_optimal_rotation_angle,
    create_path,
    generate_grid_in_aoi,
    remove_middle_points,
)

asked = json.load(sys.stdin)
answer = []
for task in asked:
    polygon = shape(task["polygon"])
    angle = calculate_optimal_rotation_angle(polygon)
    grid = generate_grid_in_aoi(polygon, task["forward_m"], task["side_m"], angle)
    path = remove_middle_points(create_path(grid, task["forward_m"], angle, polygon=polygon))
    places = [[point["coordinates"].x, point["coordinates"].y] for point in path]
    answer.append([places[k : k + 2] for k in range(0, len(places) - 1, 2)])
json.dump(answer, sys.stdout)
