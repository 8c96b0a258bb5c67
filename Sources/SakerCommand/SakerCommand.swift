import ArgumentParser

@main
struct SakerCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "saker")
}
