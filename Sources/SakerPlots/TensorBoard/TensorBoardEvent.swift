import Foundation
import SakerData

/// One record of a TensorBoard event file (tensorboard/compat/proto/event.proto, summary.proto).
public struct TensorBoardEvent: Sendable {
  public enum Value: Sendable {
    /// The first record of every file.
    case fileVersion
    case scalar(tag: String, Float)
    case picture(tag: String, Picture)
    case histogram(tag: String, Histogram)
    /// Markdown.
    case text(tag: String, String)
  }

  public var value: Value
  public var step: Int
  /// Seconds since 1970.
  public var time: Double

  public init(_ value: Value, step: Int = 0, time: Double = Date().timeIntervalSince1970) {
    self.value = value
    self.step = step
    self.time = time
  }

  /// How often values lie in each of a number of intervals, as TensorBoard's `HistogramProto`.
  public struct Histogram: Hashable, Sendable {
    public var minimum, maximum: Double
    public var count, sum, sumOfSquares: Double
    /// Upper ends of the intervals, ascending, and the values in each.
    public var limits, counts: [Double]

    /// - Parameter values: those that are no finite numbers are left out; all alike give one
    ///   interval of width 1 around them.
    public init(_ values: [Float], bins: Int = 30) {
      // Plain loops: a network has millions of values, and this happens after every epoch.
      var (low, high) = (Double.infinity, -Double.infinity)
      (count, sum, sumOfSquares) = (0, 0, 0)
      for value in values where value.isFinite {
        let value = Double(value)
        (low, high) = (Swift.min(low, value), Swift.max(high, value))
        count += 1
        sum += value
        sumOfSquares += value * value
      }
      if count == 0 { (low, high) = (0, 0) }
      (minimum, maximum) = (low, high)
      guard high > low, bins > 1 else {
        (limits, counts) = ([low + 0.5], [count])
        return
      }
      let width = (high - low) / Double(bins)
      limits = (1...bins).map { $0 == bins ? high : low + Double($0) * width }
      counts = Array(repeating: 0, count: bins)
      for value in values where value.isFinite {
        counts[Swift.min(Int((Double(value) - low) / width), bins - 1)] += 1
      }
    }
  }

  /// As TFRecord: length, its checksum, the message, its checksum; little-endian.
  func record() throws -> [UInt8] {
    let data = try message().bytes
    func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
      withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }
    let length = bytes(UInt64(data.count))
    return length + bytes(CRC32C.masked(length)) + data + bytes(CRC32C.masked(data))
  }

  // MARK: Messages, by the field numbers of their definitions

  private func message() throws -> ProtocolMessage {
    var event = ProtocolMessage()
    event.add(1, time)
    if step != 0 { event.add(2, step) }
    guard let summary = try summaryValue() else {
      event.add(3, "brain.Event:2")
      return event
    }
    var all = ProtocolMessage()
    all.add(1, summary)
    event.add(5, all)
    return event
  }

  private func summaryValue() throws -> ProtocolMessage? {
    var value = ProtocolMessage()
    switch self.value {
    case .fileVersion: return nil
    case .scalar(let tag, let number):
      value.add(1, tag)
      value.add(2, number)
    case .picture(let tag, let picture):
      var image = ProtocolMessage()
      image.add(1, picture.height)
      image.add(2, picture.width)
      image.add(3, 3)
      image.add(4, bytes: try picture.encoded(as: .png(level: 6)))
      value.add(1, tag)
      value.add(4, image)
    case .histogram(let tag, let histogram):
      value.add(1, tag)
      value.add(5, message(histogram))
    case .text(let tag, let text):
      var shape = ProtocolMessage()
      var dimension = ProtocolMessage()
      dimension.add(1, 1)
      shape.add(2, dimension)
      var tensor = ProtocolMessage()
      tensor.add(1, 7)  // DT_STRING
      tensor.add(2, shape)
      tensor.add(8, text)
      value.add(1, tag)
      value.add(8, tensor)
      // Without the plug-in's name TensorBoard would not know that the tensor is text.
      var plugin = ProtocolMessage()
      plugin.add(1, "text")
      var metadata = ProtocolMessage()
      metadata.add(1, plugin)
      value.add(9, metadata)
    }
    return value
  }

  private func message(_ histogram: Histogram) -> ProtocolMessage {
    var message = ProtocolMessage()
    message.add(1, histogram.minimum)
    message.add(2, histogram.maximum)
    message.add(3, histogram.count)
    message.add(4, histogram.sum)
    message.add(5, histogram.sumOfSquares)
    message.add(6, packed: histogram.limits)
    message.add(7, packed: histogram.counts)
    return message
  }
}
