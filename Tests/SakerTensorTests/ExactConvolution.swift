@testable import SakerTensor

/// A convolution by the sum that defines it, in double precision: `[N, out, H', W']` in row-major
/// order. For small maps.
func exactConvolution(
  _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, _ attributes: ConvolutionAttributes
) -> [Double] {
  let (input, kernel) = (x.shape, weight.shape)
  let result = attributes.output(input, kernel)
  let (values, weights) = (x.floats.map(Double.init), weight.floats.map(Double.init))
  let offsets = bias?.floats.map(Double.init) ?? [Double](repeating: 0, count: result[1])
  let (inputs, outputs) = (kernel[1], result[1] / attributes.groups)
  var sums: [Double] = []
  for n in 0..<result[0] {
    for k in 0..<result[1] {
      for row in 0..<result[2] {
        for column in 0..<result[3] {
          var sum = offsets[k]
          for a in 0..<kernel[2] {
            let y = row * attributes.stride[0] + a * attributes.dilation[0] - attributes.before[0]
            guard (0..<input[2]).contains(y) else { continue }
            for b in 0..<kernel[3] {
              let x =
                column * attributes.stride[1] + b * attributes.dilation[1] - attributes.before[1]
              guard (0..<input[3]).contains(x) else { continue }
              for c in 0..<inputs {
                let channel = k / outputs * inputs + c
                sum +=
                  values[((n * input[1] + channel) * input[2] + y) * input[3] + x]
                  * weights[((k * inputs + c) * kernel[2] + a) * kernel[3] + b]
              }
            }
          }
          sums.append(sum)
        }
      }
    }
  }
  return sums
}
