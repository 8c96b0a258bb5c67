// swift-tools-version: 6.0
import PackageDescription

// Targets in order of dependency: read from top to bottom, this is the design (docs/design.md).
let package = Package(
  name: "Saker",
  products: [
    .library(name: "Saker", targets: ["Saker"]),
    .executable(name: "saker", targets: ["SakerCommand"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // Floor 0: the C faces, each imported by one Swift module.
    .systemLibrary(name: "COneDNN", providers: [.apt(["libdnnl-dev"])]),
    .systemLibrary(
      name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CWebP", pkgConfig: "libwebpdemux", providers: [.apt(["libwebp-dev"])]),
    .systemLibrary(name: "CTIFF", pkgConfig: "libtiff-4", providers: [.apt(["libtiff-dev"])]),
    .systemLibrary(name: "CCairo", pkgConfig: "cairo", providers: [.apt(["libcairo2-dev"])]),
    .systemLibrary(name: "CPango", providers: [.apt(["libpango1.0-dev"])]),
    .target(name: "CKernels", linkerSettings: [.linkedLibrary("gomp"), .linkedLibrary("m")]),

    // The commit that `saker --version` tells.
    .target(name: "CBuild"),

    // Floor 1: tensors, operations and their gradients.
    .target(name: "SakerTensor", dependencies: ["COneDNN", "CKernels", "CZlib"]),

    // Floor 2: learning, and data.
    .target(name: "SakerNN", dependencies: ["SakerTensor", "CKernels"]),
    .target(
      name: "SakerData",
      dependencies: ["SakerTensor", "CKernels", "CTurboJPEG", "CPNG", "CWebP", "CTIFF", "Yams"],
      resources: [
        .copy("Resources/bccd"), .copy("Resources/fashion-mnist-small"),
        .copy("Resources/pinochle-cards-crops"),
      ]),

    // Floor 3: vision, and its measures.
    .target(name: "SakerVision", dependencies: ["SakerTensor", "SakerNN", "SakerData"]),
    .target(name: "SakerMetrics", dependencies: ["SakerData", "SakerTensor", "CKernels"]),

    // Floor 4: the training loop, and what people look at.
    .target(
      name: "SakerTrain",
      dependencies: [
        "CKernels", "SakerTensor", "SakerNN", "SakerData", "SakerVision", "SakerMetrics",
        .product(name: "Logging", package: "swift-log"),
      ]),
    .target(
      name: "SakerPlots",
      dependencies: ["SakerTensor", "SakerData", "SakerMetrics", "CCairo", "CPango", "CKernels"]),

    // Floor 5: everything under one name, and the command line.
    .target(
      name: "Saker",
      dependencies: [
        "SakerTensor", "SakerNN", "SakerData", "SakerVision", "SakerMetrics", "SakerTrain",
        "SakerPlots",
      ]),
    .executableTarget(
      name: "SakerCommand",
      dependencies: [
        "Saker", "CBuild", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),

    // The README's example, built by the tests so that it cannot rot.
    .executableTarget(name: "FirstSteps", dependencies: ["Saker"], path: "Examples/FirstSteps"),

    // An example of each technique of the notes, run with the tests.
    .testTarget(
      name: "SakerExampleTests", dependencies: ["Saker"], path: "Examples/Techniques"),

    // The tests, under the names of what they test.
    .target(name: "TestSupport", dependencies: ["SakerTensor", "SakerNN"], path: "Tests/Support"),
    .testTarget(name: "SakerTensorTests", dependencies: ["SakerTensor", "TestSupport"]),
    .testTarget(name: "SakerNNTests", dependencies: ["SakerNN", "TestSupport"]),
    .testTarget(name: "SakerDataTests", dependencies: ["SakerData", "TestSupport"]),
    .testTarget(name: "SakerVisionTests", dependencies: ["SakerVision", "TestSupport"]),
    .testTarget(name: "SakerMetricsTests", dependencies: ["SakerMetrics", "TestSupport"]),
    .testTarget(name: "SakerTrainTests", dependencies: ["SakerTrain", "TestSupport"]),
    .testTarget(name: "SakerPlotsTests", dependencies: ["SakerPlots", "TestSupport"]),
    .testTarget(
      name: "SakerCommandTests", dependencies: ["TestSupport", "SakerData", "SakerCommand"]),
  ],
  swiftLanguageModes: [.v6],
  cLanguageStandard: .gnu11
)

// A part of the suite builds in a part of the time: SAKER_TESTS=SakerDataTests,SakerVisionTests
// leaves the other test targets out (`make test-part`, docs/testing.md).
if let wanted = Context.environment["SAKER_TESTS"]?.split(separator: ",").map(String.init) {
  package.targets.removeAll { $0.type == .test && !wanted.contains($0.name) }
}

// The reference (`make docs`): DocC's plugin is a dependency of nobody who uses the package.
if Context.environment["SAKER_DOCS"] == "1" {
  package.dependencies.append(
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", exact: "1.5.0"))
}
