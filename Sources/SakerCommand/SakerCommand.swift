import ArgumentParser
import Saker

@main
struct SakerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "saker",
    abstract: "Train, evaluate and use object detectors.",
    discussion: """
      Without options, 'saker train' learns to find blood cells in the embedded pictures. All commands run on the \
      processor, on all cores; nothing is sent anywhere.
      """,
    version: "0.1.0",
    subcommands: [
      TrainCommand.self, ValCommand.self, EvaluateCommand.self, PredictCommand.self,
      InfoCommand.self, BenchmarkCommand.self, AugmentCommand.self, ForwardCommand.self,
      DoctorCommand.self, DataCommand.self, ModelsCommand.self, WeightsCommand.self,
      ReportCommand.self, VisualizeCommand.self, PruneCommand.self,
    ])
}
