import CKernels
import COneDNN
import Foundation
import Synchronization

/// A compiled oneDNN computation and the memory objects that it reads and writes.
final class Primitive: @unchecked Sendable {
  let description: OpaquePointer
  private let primitive: OpaquePointer
  private var arguments: [dnnl_exec_arg_t]
  private let scratchBytes: Int
  /// Handles are set and used together, so one execution at a time.
  private let lock = Mutex(())

  /// - Parameters:
  ///   - description: the primitive's, which this object now owns.
  ///   - slots: the arguments in the order in which `execute` gets them.
  init(_ description: OpaquePointer, _ slots: [(argument: Int32, layout: OpaquePointer)]) {
    var slots = slots
    self.description = description
    var primitive: OpaquePointer?
    demand(dnnl_primitive_create(&primitive, description), "primitive")
    self.primitive = primitive!
    let scratch = saker_pd_md(description, dnnl_query_scratchpad_md)
    scratchBytes = saker_md_size(scratch)
    if scratchBytes > 0 { slots.append((DNNL_ARG_SCRATCHPAD, scratch!)) }
    arguments = slots.map { slot in
      dnnl_exec_arg_t(
        arg: slot.argument, memory: saker_memory_make(slot.layout, Engine.shared.engine))
    }
  }

  deinit {
    for argument in arguments { dnnl_memory_destroy(argument.memory) }
    dnnl_primitive_destroy(primitive)
    dnnl_primitive_desc_destroy(description)
  }

  /// Runs on the memory at `pointers`, one for each slot, and returns when it is done.
  func execute(_ pointers: UnsafeMutableRawPointer...) { execute(pointers) }

  func execute(_ pointers: [UnsafeMutableRawPointer]) {
    let scratch = scratchBytes > 0 ? Storage(bytes: scratchBytes) : nil
    lock.withLock { _ in
      for (index, pointer) in pointers.enumerated() {
        dnnl_memory_set_data_handle(arguments[index].memory, pointer)
      }
      if let scratch {
        dnnl_memory_set_data_handle(arguments[pointers.count].memory, scratch.pointer)
      }
      KernelTime.measure {
        let status = dnnl_primitive_execute(
          primitive, Engine.shared.stream, Int32(arguments.count), arguments)
        demand(status, "execute")
        dnnl_stream_wait(Engine.shared.stream)
      }
    }
  }

  /// The layout that the primitive chose, or demands, for one of its tensors.
  func layout(_ what: dnnl_query_t) -> OpaquePointer { saker_pd_md(description, what) }

  /// Bytes of one of its tensors, 0 if it has none such.
  func bytes(_ what: dnnl_query_t) -> Int { saker_md_size(saker_pd_md(description, what)) }
}

/// All primitives made so far, by what they compute. Making one compiles code and takes up to a
/// millisecond; finding it takes a hash.
final class PrimitiveCache: Sendable {
  static let shared = PrimitiveCache()

  struct Key: Hashable {
    var kind: String
    var numbers: [Int]
    /// A primitive divides its work, and sizes its scratch memory, among the threads there are when
    /// it is made: with more of them it would write beyond that memory.
    var threads = Parallel.threads
  }

  private let primitives = Mutex<[Key: Primitive]>([:])
  /// Pictures of ever new sizes would fill the memory otherwise.
  private let limit = 2048

  var count: Int { primitives.withLock(\.count) }

  func primitive(_ kind: String, _ numbers: [Int], _ make: () -> Primitive) -> Primitive {
    let key = Key(kind: kind, numbers: numbers)
    if let found = primitives.withLock({ $0[key] }) { return found }
    return PrimitiveCache.alone {
      if let found = primitives.withLock({ $0[key] }) { return found }
      let made = make()
      primitives.withLock { primitives in
        if primitives.count >= limit { primitives = [:] }
        primitives[key] = made
      }
      return made
    }
  }

  /// Making one may make others, which it starts from.
  private static let making = NSRecursiveLock()

  /// Calls `body` while no other thread describes or makes a primitive: oneDNN up to 2.7 keeps what
  /// it plans of a convolution in a global variable, so that two threads at it can get kernels that
  /// leave out channels.
  static func alone<R>(_ body: () -> R) -> R {
    making.lock()
    defer { making.unlock() }
    return body()
  }
}

/// The functions of oneDNN that operations are made of; each takes and gives plain tensors.
enum Kernels {
  /// Numbers that tell tensors of different layouts apart.
  static func key(_ tensors: Tensor...) -> [Int] {
    var numbers: [Int] = []
    for tensor in tensors {
      numbers.append(tensor.dtype.dnnl.hashNumber)
      numbers += tensor.shape.sizes
      numbers += tensor.packedStrides
    }
    return numbers
  }

  /// Copies `source` of layout `from` into fresh memory of layout `to`; the same memory if
  /// the layouts agree.
  static func reorder(
    _ source: Storage, _ pointer: UnsafeMutableRawPointer, from: OpaquePointer,
    to: OpaquePointer, _ key: [Int]
  ) -> (Storage, UnsafeMutableRawPointer) {
    if saker_md_equal(from, to) != 0 { return (source, pointer) }
    let target = Storage(bytes: saker_md_size(to))
    reorder(pointer, from, target.pointer, to, key)
    return (target, target.pointer)
  }

  static func reorder(
    _ source: UnsafeMutableRawPointer, _ from: OpaquePointer,
    _ target: UnsafeMutableRawPointer, _ to: OpaquePointer, _ key: [Int]
  ) {
    let primitive = PrimitiveCache.shared.primitive("reorder", key) {
      var description: OpaquePointer?
      demand(
        saker_reorder(&description, Engine.shared.engine, from, to, Engine.shared.attributes),
        "reorder")
      return Primitive(description!, [(DNNL_ARG_FROM, from), (DNNL_ARG_TO, to)])
    }
    primitive.execute(source, target)
  }
}

extension dnnl_data_type_t {
  var hashNumber: Int { Int(rawValue) }
}
