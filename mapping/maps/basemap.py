"""The map every page starts from: a folium map that loads nothing.

No tiles: the ground is drawn by the page itself as a graticule, a scale and a coarse world outline. What lies on the
map is `layers.py`' subject, how map, data and scripts become one file is `page.py`'s.
"""

from __future__ import annotations

import folium
from branca.element import Figure
from folium.template import Template

from mapping.maps.packaged import page_file

MAX_ZOOM = 22  # about 4 cm a screen pixel; the clustering plugin needs it where there are no tiles
MIN_ZOOM = 3


class PageFigure(Figure):
    """branca's figure with this project's own page around the map."""

    _template = Template(page_file("page.html"))


def offline_map(centre: tuple[float, float]) -> folium.Map:
    """A folium map of the whole page, looking at `centre` (latitude, longitude in degrees) until its data is fitted.

    Its name is fixed, so that the same content gives the same bytes."""
    base = folium.Map(
        location=list(centre),
        tiles=None,
        zoom_start=15,
        max_zoom=MAX_ZOOM,
        minZoom=MIN_ZOOM,
        maxZoom=MAX_ZOOM,
        zoomSnap=0.25,
        worldCopyJump=False,
        attributionControl=False,
        zoom_control="topleft",
    )
    base.default_js, base.default_css = [], []  # folium's links to six hosts; `page.py` puts packaged copies inside
    base._id = "picket"
    PageFigure().add_child(base, name="map")
    return base
