"""Records of an event file as TensorBoard's own writer makes them.

Writes Tests/Fixtures/golden/tensorboard_events.tfevents and .json (what is in it). Needs: pip install tensorboard pillow.
"""
import io
import json
import struct
from pathlib import Path

from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

folder = Path(__file__).resolve().parents[2] / "Tests/Fixtures/golden"


def main():
    values = [0.5, -1.25, 2.0, 2.0, 0.0, 3.5, -0.75, 1.0]
    low, high, bins = min(values), max(values), 4
    width = (high - low) / bins
    counts = [0.0] * bins
    for value in values:
        counts[min(int((value - low) / width), bins - 1)] += 1
    histogram = summary_pb2.HistogramProto(
        min=low, max=high, num=len(values), sum=sum(values),
        sum_squares=sum(value * value for value in values),
        bucket_limit=[low + (i + 1) * width for i in range(bins - 1)] + [high], bucket=counts)
    text = tensor_pb2.TensorProto(
        dtype=types_pb2.DT_STRING, string_val=["**Größe** 1".encode()],
        tensor_shape=tensor_shape_pb2.TensorShapeProto(
            dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=1)]))
    metadata = summary_pb2.SummaryMetadata(
        plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name="text"))
    value = summary_pb2.Summary.Value
    events = [
        event_pb2.Event(wall_time=1.5, file_version="brain.Event:2"),
        event_pb2.Event(wall_time=2.25, step=1, summary=summary_pb2.Summary(
            value=[value(tag="train/loss", simple_value=0.1)])),
        event_pb2.Event(wall_time=1700000000.125, step=300, summary=summary_pb2.Summary(
            value=[value(tag="weights", histo=histogram)])),
        event_pb2.Event(wall_time=3.0, step=7, summary=summary_pb2.Summary(
            value=[value(tag="args", tensor=text, metadata=metadata)])),
    ]
    buffer = io.BytesIO()
    writer = RecordWriter(buffer)
    for event in events:
        writer.write(event.SerializeToString())
    (folder / "tensorboard_events.tfevents").write_bytes(buffer.getvalue())
    (folder / "tensorboard_events.json").write_text(json.dumps({"values": values, "bins": bins}) + "\n")


main()
