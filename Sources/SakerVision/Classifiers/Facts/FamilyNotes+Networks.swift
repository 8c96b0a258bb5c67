extension FamilyNote {
  static let plain = [
    FamilyNote(
      "LeNet", "LeNet-5",
      [
        "LeCun, Bottou, Bengio, Haffner: Gradient-Based Learning Applied to Document Recognition. Proceedings of the IEEE 86, 1998"
      ],
      "Two convolutions with pooling find strokes wherever they are, three linear layers read the digit from them. The weights of a convolution are the same at every place: that is why 60,000 numbers are enough.",
      deviations:
        "Every map of the second convolution sees all of the first, and the last layer is linear. `lenet_modern` rectifies and takes the maximum where the original has sigmoids and means.",
      block: Block("convolution and pooling", [["5x5 conv", "sigmoid", "2x2 mean pool"]])),
    FamilyNote(
      "AlexNet", "AlexNet",
      [
        "Krizhevsky, Sutskever, Hinton: ImageNet Classification with Deep Convolutional Neural Networks. NIPS 2012",
        "Krizhevsky: One weird trick for parallelizing convolutional neural networks. arXiv:1404.5997, 2014",
      ],
      "The network that made deep learning the way to read pictures: large kernels first, rectified units in place of sigmoids so that gradients survive, dropout before the wide linear layers, trained on two graphics cards.",
      deviations:
        "The form of the second paper, for one processor and without local response norm, as torchvision has it.",
      block: Block("the first stage", [["11x11 conv, stride 4", "ReLU", "3x3 max pool, stride 2"]])),
    FamilyNote(
      "NiN", "Network in network", ["Lin, Chen, Yan: Network In Network. arXiv:1312.4400, 2013"],
      "A 1x1 convolution is a small linear layer at each place. Two of them behind each convolution make it a network of its own, and with one last map for each class, averaged, no linear layers are needed: the parameters are a fraction of AlexNet's.",
      deviations: "The sizes of Dive into Deep Learning, section 8.3.",
      block: Block("a NiN block", [["conv", "ReLU", "1x1 conv", "ReLU", "1x1 conv", "ReLU"]])),
    FamilyNote(
      "VGG", "VGG",
      [
        "Simonyan, Zisserman: Very Deep Convolutional Networks for Large-Scale Image Recognition. arXiv:1409.1556, 2014"
      ],
      "Two 3x3 convolutions see as much as one of 5x5, with fewer weights and one more nonlinearity. So the network is nothing but 3x3 convolutions, twice the channels after each pooling. Most of its parameters are in the first linear layer.",
      deviations:
        "`_bn` has a batch norm behind each convolution, which the paper did not know yet. The last map is averaged to 7x7, so that other sizes work.",
      block: Block("a stage", [["3x3 conv", "ReLU", "3x3 conv", "ReLU", "2x2 max pool"]])),
  ]

  static let inceptions = [
    FamilyNote(
      "GoogLeNet", "GoogLeNet (Inception v1)",
      ["Szegedy and others: Going Deeper with Convolutions. arXiv:1409.4842, 2014"],
      "Nobody knows which kernel size is right, so a block has all of them side by side, and a pooling, and joins the results. 1x1 convolutions before the large kernels keep the work small. Two more heads in the middle help the gradient while training.",
      deviations:
        "torchvision's form: batch norms, and a 3x3 kernel where the paper has 5x5. There are four branches: the notes forget the pooling (E35).",
      block: Block(
        "an Inception block",
        [
          ["1x1 conv"], ["1x1 conv", "3x3 conv"], ["1x1 conv", "5x5 conv"],
          ["3x3 max pool", "1x1 conv"],
        ],
        "join")),
    FamilyNote(
      "InceptionV2", "Inception v2 (batch norm)",
      [
        "Ioffe, Szegedy: Batch Normalization. arXiv:1502.03167, 2015",
        "Szegedy and others: Rethinking the Inception Architecture for Computer Vision. arXiv:1512.00567, 2015",
      ],
      "The network with which batch norm was introduced: normalizing each layer's inputs over the batch lets it learn several times faster. The 5x5 kernel of a block becomes two of 3x3.",
      deviations: "The first convolution is a plain one; the authors' was separable.",
      block: Block(
        "a block",
        [
          ["1x1 conv"], ["1x1 conv", "3x3 conv"], ["1x1 conv", "3x3 conv", "3x3 conv"],
          ["3x3 mean pool", "1x1 conv"],
        ], "join")),
    FamilyNote(
      "InceptionV3", "Inception v3",
      [
        "Szegedy and others: Rethinking the Inception Architecture for Computer Vision. arXiv:1512.00567, 2015"
      ],
      "A 7x7 kernel as 1x7 and 7x1 costs two sevenths. Maps are halved by a convolution and a pooling side by side, so that neither throws away what the other needs.",
      block: Block(
        "a block at stride 16",
        [
          ["1x1 conv"], ["1x1 conv", "1x7 conv", "7x1 conv"],
          ["1x1 conv", "7x1 conv", "1x7 conv", "7x1 conv", "1x7 conv"],
          ["3x3 mean pool", "1x1 conv"],
        ], "join")),
    FamilyNote(
      "InceptionV4", "Inception v4",
      [
        "Szegedy, Ioffe, Vanhoucke, Alemi: Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning. arXiv:1602.07261, 2016"
      ],
      "Inception with uniform blocks and a deeper stem, without shortcuts: the paper's other network has those (E35).",
      block: Block(
        "a block at stride 8",
        [
          ["1x1 conv"], ["1x1 conv", "3x3 conv"], ["1x1 conv", "3x3 conv", "3x3 conv"],
          ["3x3 mean pool", "1x1 conv"],
        ], "join")),
    FamilyNote(
      "InceptionResNetV2", "Inception-ResNet v2",
      [
        "Szegedy, Ioffe, Vanhoucke, Alemi: Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning. arXiv:1602.07261, 2016"
      ],
      "Branches as of Inception, joined, brought to the input's channels by a 1x1 convolution, made small (0.1 to 0.2 of it) and added to the input: it learns faster than Inception v4 to the same accuracy.",
      block: Block(
        "a block at stride 8",
        [
          [], ["1x1 conv"], ["1x1 conv", "3x3 conv"], ["1x1 conv", "3x3 conv", "3x3 conv"],
        ], "join, 1x1 conv, +")),
  ]

  static let residuals = [
    FamilyNote(
      "ResNet", "ResNet, ResNeXt, Wide ResNet, SE-ResNet",
      [
        "He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition. arXiv:1512.03385, 2015",
        "Xie, Girshick, Dollár, Tu, He: Aggregated Residual Transformations for Deep Neural Networks. arXiv:1611.05431, 2016",
        "Zagoruyko, Komodakis: Wide Residual Networks. arXiv:1605.07146, 2016",
        "Hu, Shen, Sun: Squeeze-and-Excitation Networks. arXiv:1709.01507, 2017",
      ],
      "A deeper plain network is worse even on its own training data: it cannot learn to pass things on. A residual block adds its result to its input, so passing on is what it does at the start, and gradients have a way without layers. Bottlenecks (from 50 layers on) compute in a quarter of the channels. ResNeXt does so in 32 groups, Wide ResNet in twice the channels, SE-ResNet weighs the channels of each block by a look at the whole map.",
      deviations:
        "A bottleneck strides in its 3x3 convolution, as published weights do (version 1.5).",
      block: Block("a bottleneck", [["1x1 conv", "3x3 conv", "1x1 conv"], []], "+, ReLU")),
    FamilyNote(
      "CIFARResNet", "ResNet for small pictures (CIFAR)",
      [
        "He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition. arXiv:1512.03385, 2015, section 4.2"
      ],
      "The networks on which the paper shows that depth helps: 32 pixels, a 3x3 convolution, three stages of n blocks with 16, 32 and 64 channels, 6n + 2 layers. Where a stage halves the map, its shortcut takes every second pixel and adds channels of zeros (option A): no parameters, so that plain and residual networks have the same number of them. With `_projection` it is a 1x1 convolution (option B).",
      deviations:
        "The channels of zeros lie half before and half behind the others, as in the widespread PyTorch port, whose names these are: `saker forward --model resnet20 --weights resnet20.th`. Which of them are zeros the paper leaves open.",
      block: Block("a block", [["3x3 conv", "3x3 conv"], []], "+, ReLU")),
    FamilyNote(
      "ResNetV2", "ResNet v2 (pre-activation)",
      ["He, Zhang, Ren, Sun: Identity Mappings in Deep Residual Networks. arXiv:1603.05027, 2016"],
      "Normalizing and rectifying before each convolution leaves nothing on the way of the shortcuts: the sum of all blocks reaches the end, and a thousand layers learn.",
      block: Block(
        "a block",
        [["norm, ReLU", "1x1 conv", "norm, ReLU", "3x3 conv", "norm, ReLU", "1x1 conv"], []],
        "+")),
    FamilyNote(
      "DenseNet", "DenseNet",
      [
        "Huang, Liu, van der Maaten, Weinberger: Densely Connected Convolutional Networks. arXiv:1608.06993, 2016"
      ],
      "Each layer sees the maps of all layers before it in its block and adds 32 of its own, joined, not summed. What was found once need not be computed again, so few parameters are enough; the memory traffic makes it slower than its multiply-adds suggest.",
      block: Block(
        "a dense layer", [["norm, ReLU", "1x1 conv", "norm, ReLU", "3x3 conv"], []], "join")),
  ]

  static let darknets = [
    FamilyNote(
      "Darknet19", "Darknet-19",
      ["Redmon, Farhadi: YOLO9000: Better, Faster, Stronger. arXiv:1612.08242, 2016"],
      "VGG's 3x3 convolutions with NiN's 1x1 between them, batch norm, and a mean over the last map: YOLO v2's backbone.",
      block: Block("a stage", [["2x2 max pool", "3x3 conv", "1x1 conv", "3x3 conv"]])),
    FamilyNote(
      "Darknet53", "Darknet-53",
      ["Redmon, Farhadi: YOLOv3: An Incremental Improvement. arXiv:1804.02767, 2018"],
      "Residual blocks of a 1x1 and a 3x3 convolution, and convolutions in place of all poolings: as accurate as ResNet-101 with fewer operations. YOLO v3's backbone.",
      deviations:
        "Leaky ReLUs have slope 0.01 as in timm's weights; loaded from Darknet's own `.weights`, 0.1.",
      block: Block("a block", [["1x1 conv", "leaky ReLU", "3x3 conv", "leaky ReLU"], []], "+")),
    FamilyNote(
      "CSPNet", "CSPDarknet-53 and CSPResNeXt-50",
      [
        "Wang and others: CSPNet: A New Backbone that can Enhance Learning Capability of CNN. arXiv:1911.11929, 2019",
        "Bochkovskiy, Wang, Liao: YOLOv4. arXiv:2004.10934, 2020",
      ],
      "One half of a stage's channels passes by all its blocks and is joined again at the end. That halves the work of the blocks, and the same gradient is not computed twice. YOLO v4's backbone.",
      deviations: "CSPDarknet-53 has leaky ReLUs, as timm's weights have; YOLO v4's has mish.",
      block: Block(
        "a stage", [["half of the channels"], ["other half", "residual blocks", "1x1 conv"]],
        "join, 1x1 conv")),
  ]

  static let mobiles = [
    FamilyNote(
      "MobileNetV1", "MobileNet v1", ["Howard and others: MobileNets. arXiv:1704.04861, 2017"],
      "A convolution in two steps, one kernel a channel and then 1x1 across the channels, costs about a ninth. A factor of the width trades accuracy for speed.",
      deviations: "ReLU6 as in published weights; the paper's figures have ReLU (E36).",
      block: Block("a block", [["3x3 depthwise", "ReLU6", "1x1 conv", "ReLU6"]])),
    FamilyNote(
      "MobileNetV2", "MobileNet v2",
      [
        "Sandler and others: MobileNetV2: Inverted Residuals and Linear Bottlenecks. arXiv:1801.04381, 2018"
      ],
      "A block is narrow outside and wide inside: 1x1 to six times the channels, a depthwise 3x3, 1x1 back. The last convolution has no activation, because a ReLU in few channels loses what it cuts off; the sum exists only where stride is 1 and the widths agree (E36).",
      block: Block(
        "an inverted residual",
        [["1x1 conv, x 6", "ReLU6", "3x3 depthwise", "ReLU6", "1x1 conv"], []], "+")),
    FamilyNote(
      "MobileNetV3", "MobileNet v3",
      ["Howard and others: Searching for MobileNetV3. arXiv:1905.02244, 2019"],
      "Version 2's blocks with gates (squeeze-and-excitation), sizes found by search for a phone's speed, hard-swish in the later layers, and a head that averages before its expensive layer.",
      block: Block(
        "a block",
        [["1x1 conv", "hard-swish", "depthwise", "hard-swish", "gate", "1x1 conv"], []], "+")),
    FamilyNote(
      "ShuffleNetV1", "ShuffleNet v1",
      ["Zhang, Zhou, Lin, Sun: ShuffleNet. arXiv:1707.01083, 2017"],
      "In small networks the 1x1 convolutions are most of the work: they are split into groups, and a shuffle of the channels between them lets the groups see each other.",
      block: Block(
        "a unit", [["1x1 conv, groups", "shuffle", "3x3 depthwise", "1x1 conv, groups"], []],
        "+, ReLU")),
    FamilyNote(
      "ShuffleNetV2", "ShuffleNet v2",
      ["Ma, Zhang, Zheng, Sun: ShuffleNet V2. arXiv:1807.11164, 2018"],
      "Speed is not multiply-adds: equal widths, few groups, few branches and few element-wise operations are fast. So half of the channels passes untouched, is joined (not added, E36) with the computed half, and all are shuffled.",
      block: Block(
        "a unit of stride 1",
        [["half of the channels"], ["other half", "1x1 conv", "3x3 depthwise", "1x1 conv"]],
        "join, shuffle")),
    FamilyNote(
      "GhostNet", "GhostNet",
      ["Han and others: GhostNet: More Features from Cheap Operations. arXiv:1911.11907, 2019"],
      "Many maps of a network look like others of it. Half of them are computed by 1x1 convolutions, the other half from these by a cheap depthwise one.",
      block: Block(
        "a ghost module", [["1x1 conv"], ["1x1 conv (the same)", "3x3 depthwise"]], "join")),
    FamilyNote(
      "EfficientNet", "EfficientNet",
      ["Tan, Le: EfficientNet: Rethinking Model Scaling for CNNs. arXiv:1905.11946, 2019"],
      "A searched network (inverted residuals with gates and swish) made larger by one factor for depth, width and resolution together: B0 to B7.",
      block: Block(
        "a block", [["1x1 conv, x 6", "swish", "depthwise", "swish", "gate", "1x1 conv"], []], "+")),
    FamilyNote(
      "RepVGG", "RepVGG",
      ["Ding and others: RepVGG: Making VGG-style ConvNets Great Again. arXiv:2101.03697, 2021"],
      "Learns with three branches, 3x3, 1x1 and the input itself, each with its batch norm. All three are linear, so in use they are one 3x3 convolution: `fused()` computes its weights.",
      block: Block(
        "a block while learning", [["3x3 conv", "norm"], ["1x1 conv", "norm"], ["norm"]], "+, ReLU")
    ),
  ]

  static let tokens = [
    FamilyNote(
      "VisionTransformer", "Vision transformer (ViT)",
      [
        "Dosovitskiy and others: An Image is Worth 16x16 Words. arXiv:2010.11929, 2020",
        "Touvron and others: Training data-efficient image transformers (DeiT). arXiv:2012.12877, 2020",
      ],
      "A picture as a sequence of patches, each a vector with a learned position, read by a transformer's encoder: every patch may look at every other from the first layer on. One more token collects what the head reads. Without convolutions' knowledge of neighbourhood it wants much data.",
      block: Block("each half of an encoder layer", [["norm", "attention (then MLP)"], []], "+")),
    FamilyNote(
      "MLPMixer", "MLP-Mixer",
      [
        "Tolstikhin and others: MLP-Mixer: An all-MLP Architecture for Vision. arXiv:2105.01601, 2021"
      ],
      "Two linear layers along the patches, the same for all channels, then two along the channels, the same for all patches: neither convolution nor attention is needed.",
      block: Block(
        "each half of a mixer layer", [["norm", "MLP along patches", "(then channels)"], []], "+")),
    FamilyNote(
      "ConvMixer", "ConvMixer",
      ["Trockman, Kolter: Patches Are All You Need? arXiv:2201.09792, 2022"],
      "Patches, then at one resolution throughout a large depthwise convolution with a shortcut and a 1x1 convolution: perhaps it is the patches that make transformers work.",
      block: Block(
        "a block (then a 1x1 conv, GELU, norm)", [["depthwise", "GELU", "norm"], []], "+")),
    FamilyNote(
      "FNet", "FNet on patches",
      [
        "Lee-Thorp, Ainslie, Eckstein, Ontañón: FNet: Mixing Tokens with Fourier Transforms. arXiv:2105.03824, 2021"
      ],
      "A Fourier transform over positions and channels mixes the tokens in place of attention, without a single weight; the paper reads text, here it reads a vision transformer's patches.",
      deviations: "The mean of all tokens is read; sizes are those of vision transformers.",
      block: Block("each half of a block", [["Fourier mixing", "(then MLP)"], []], "+, norm")),
  ]
}
