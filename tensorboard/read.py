"""Reads event files with TensorBoard's own reader and compares every point with a run's record."""

import json
import sys

from tensorboard.backend.event_processing import event_accumulator
from tensorboard.plugins.hparams import plugin_data_pb2

ALL = 0  # keep every point, where TensorBoard would draw a sample of them


def main(folder, record_path):
    with open(record_path) as file:
        record = json.load(file)
    sizes = {event_accumulator.SCALARS: ALL, event_accumulator.IMAGES: ALL, event_accumulator.TENSORS: ALL}
    events = event_accumulator.EventAccumulator(folder, size_guidance=sizes)
    events.Reload()
    problems = []
    points = 0
    wanted = {
        key: [(s, v) for s, v in zip(record["step"], values) if v is not None]
        for key, values in record["values"].items()
    }
    tags = events.Tags()
    if set(tags["scalars"]) != {key for key, rows in wanted.items() if rows}:
        problems.append(f"scalars are {sorted(tags['scalars'])}")
    for key, rows in wanted.items():
        if not rows or key not in tags["scalars"]:
            continue
        got = [(e.step, e.value) for e in events.Scalars(key)]
        points += len(got)
        if [s for s, _ in got] != [s for s, _ in rows]:
            problems.append(f"{key}: {len(got)} points of {len(rows)}, or other steps")
            continue
        # Event files hold float32.
        worst = max(abs(a - b) / max(abs(b), 1e-12) for (_, a), (_, b) in zip(got, rows))
        if worst > 1e-6:
            problems.append(f"{key}: off by {worst}")
    images = [e.step for e in events.Images("samples")] if "samples" in tags["images"] else []
    if sorted(images) != record["samples"]:
        problems.append(f"images at {images}, not at {record['samples']}")
    metadata = events.summary_metadata.get("_hparams_/session_start_info")
    settings = 0
    if metadata is not None:
        data = plugin_data_pb2.HParamsPluginData.FromString(metadata.plugin_data.content)
        settings = len(data.session_start_info.hparams)
        rate = data.session_start_info.hparams["knobs.lr"].number_value
        if rate != record["lr"]:
            problems.append(f"hparams say lr {rate}")
    else:
        problems.append("there are no hparams")
    print(json.dumps({"points": points, "images": len(images), "settings": settings, "problems": problems}))


main(*sys.argv[1:])
