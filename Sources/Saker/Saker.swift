// `import Saker` brings floors 1 to 4.
@_exported import SakerData
@_exported import SakerMetrics
@_exported import SakerNN
@_exported import SakerPlots
@_exported import SakerTensor
@_exported import SakerTrain
@_exported import SakerVision
