import Saker
import Testing

@Suite struct PlotExamples {
  @Test("Confusion matrix, drawn") func confusionMatrix() throws {
    let matrix = ConfusionMatrix(
      predicted: [0, 0, 1, 1], truths: [0, 1, 1, 1], classNames: ["cat", "dog"])
    #expect(matrix.counts == [[1, 1], [0, 2]] && matrix.accuracy == 0.75)
    let drawing = matrix.drawing(normalized: true)
    let picture = try drawing.picture(scale: 1)
    #expect(abs(Double(picture.width) - drawing.width) <= 1 && Set(picture.pixels).count > 2)
  }

  @Test("Feature maps as pictures") func featureMaps() throws {
    let maps = relu(Conv2d(1, 4, kernel: 3)(.ones([1, 1, 18, 18])))
    let drawing = try MapPictures.features(maps, title: "conv1")
    #expect(drawing.width > 4 * 16)
    let picture = Picture(width: 8, height: 8, filledWith: .white)
    let heat = Tensor.linspace(0, 1, count: 64).reshape([8, 8])
    let overlaid = try MapPictures.overlaid(picture, heat)
    #expect(overlaid[0, 0] != overlaid[7, 7])
  }

  @Test("Learning curves of a table") func learningCurves() throws {
    let curves = try LearningCurves(csv: "epoch,train/loss,val/loss\n1,2.0,2.5\n2,1.0,1.5\n")
    #expect(curves.columns.map(\.name) == ["epoch", "train/loss", "val/loss"])
    #expect(curves.columns[1].values == [2, 1])
    #expect(!curves.figure.charts.isEmpty)
  }

  @Test("ProgressLine") func progress() {
    let progress = ProgressLine("training", total: 200, isQuiet: true)
    for done in 1...200 { progress.update(done, "loss 0.5") }
    progress.finish()
    #expect(!progress.isLive && ProgressLine.clock(75) == "1:15")
  }
}
