"""Reads event files with TensorBoard's own reader and says what is in them; fails if one is broken.

python check-tensorboard.py FOLDER. Needs: pip install tensorboard pillow.
"""
import io
import sys

from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def main(folder):
    events = EventAccumulator(folder, size_guidance={
        "scalars": 0, "images": 0, "histograms": 0, "tensors": 0})
    events.Reload()
    tags = events.Tags()
    assert tags["scalars"], f"{folder}: no scalars"
    for tag in tags["scalars"]:
        points = events.Scalars(tag)
        print(f"scalar     {tag}: {len(points)} steps, last {points[-1].value:.6g}")
    for tag in tags["images"]:
        for event in events.Images(tag):
            picture = Image.open(io.BytesIO(event.encoded_image_string))
            picture.load()
            assert picture.size == (event.width, event.height), f"{tag}: wrong size"
            print(f"picture    {tag}: {event.width}x{event.height}, step {event.step}")
    for tag in tags["histograms"]:
        for event in events.Histograms(tag):
            value = event.histogram_value
            assert sum(value.bucket) == value.num, f"{tag}: intervals do not add up"
            assert list(value.bucket_limit) == sorted(value.bucket_limit), f"{tag}: not ascending"
    print(f"histograms {len(tags['histograms'])} tags")
    for tag in tags["tensors"]:
        event = events.Tensors(tag)[0]
        kind = events.SummaryMetadata(tag).plugin_data.plugin_name
        assert kind == "text", f"{tag}: plug-in {kind}"
        print(f"text       {tag}: {len(event.tensor_proto.string_val[0])} bytes")


main(sys.argv[1])
