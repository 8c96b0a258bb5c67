// First steps with the library: a gradient, a small network, and, with arguments, a detector.
//
//   swift run -c release FirstSteps [WEIGHTS PICTURE]
import Saker

// A gradient: the derivative of x² is 2x.
let x = Parameter(Tensor([1, 2, 3] as [Float]))
square(x.value).sum().backward()
print("gradient:", x.gradient!)

// A network learns which points of a square lie inside a circle.
var random = Random(seed: 1)
let points = Tensor.uniform([512, 2], in: -1...1, using: &random)
let inside = (square(points).sum(axes: [1]) .< 0.5).converted(to: .int64)

let network = withSeed(1) { Sequential(Linear(2, 32), ReLU(), Linear(32, 2)) }
let optimizer = Optimizer(AdamW(), network, rate: 0.01)
for step in 1...300 {
  let loss = crossEntropy(network(points), inside)
  loss.backward()
  optimizer.step()
  optimizer.zeroGradients()
  if step % 100 == 0 { print("step \(step): loss \(loss.item)") }
}
let guesses = network.evaluating { network(points) }.argmax(axis: 1)
print("right:", (guesses .== inside).converted(to: .float32).mean().item)

// A trained detector looks at a picture.
if CommandLine.arguments.count == 3 {
  let checkpoint = try DetectorCheckpoint(file: CommandLine.arguments[1])
  let detector = TinySSD(checkpoint.card)
  try checkpoint.load(into: detector)

  let picture = try Picture(file: CommandLine.arguments[2])
  let names = checkpoint.card.classNames
  let found = detector.detect(picture, DetectionOptions(confidence: 0.4))
  for object in found { print(names[object.label], object.score, object.box) }
  try picture.annotated(with: found, classNames: names).write(to: "found.png")
}
