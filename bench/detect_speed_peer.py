"""Large frames searched by SAHI or by supervision's slicer; run by `detect_speed` with an interpreter that has them.

JSON in: the peer, the weights, the frames, tile, overlap and confidence. JSON out: seconds by the clock and of all
cores, and of each frame its boxes as x1, y1, x2, y2, confidence, label. Both run ultralytics' network with torch, eight
tiles at a time, as their guides show.
"""

import json
import sys
import time

asked = json.load(sys.stdin)
TILE, OVERLAP, CONFIDENCE, BATCH = asked["tile"], asked["overlap"], asked["confidence"], 8
found = []

if asked["peer"] == "sahi":
    from sahi import AutoDetectionModel
    from sahi.predict import get_sliced_prediction

    model = AutoDetectionModel.from_pretrained(
        model_type="ultralytics",
        model_path=asked["weights"],
        confidence_threshold=CONFIDENCE,
        device="cpu",
        image_size=TILE,
    )

    def search(path):
        result = get_sliced_prediction(
            path,
            model,
            slice_height=TILE,
            slice_width=TILE,
            overlap_height_ratio=OVERLAP,
            overlap_width_ratio=OVERLAP,
            batch_size=BATCH,
            verbose=0,
        )
        return [[*one.bbox.to_xyxy(), one.score.value, one.category.name] for one in result.object_prediction_list]

else:
    import cv2
    import supervision
    from ultralytics import YOLO

    model = YOLO(asked["weights"])

    def look(tiles):
        results = model(tiles, imgsz=TILE, conf=CONFIDENCE, device="cpu", verbose=False)
        return [supervision.Detections.from_ultralytics(result) for result in results]

    slicer = supervision.InferenceSlicer(
        callback=look, slice_wh=TILE, overlap_wh=round(TILE * OVERLAP), batch_size=BATCH
    )

    def search(path):
        boxes = slicer(cv2.imread(path))
        return [
            [*corners.tolist(), float(sure), str(name)]
            for corners, sure, name in zip(boxes.xyxy, boxes.confidence, boxes.data["class_name"], strict=True)
        ]


search(asked["warm_up"])
wall, cores = time.perf_counter(), time.process_time()
for frame in asked["frames"]:
    found.append([[*map(float, box[:5]), box[5]] for box in search(frame)])
json.dump({"wall_s": time.perf_counter() - wall, "cores_s": time.process_time() - cores, "boxes": found}, sys.stdout)
