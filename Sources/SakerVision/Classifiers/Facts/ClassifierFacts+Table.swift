extension ClassifierFacts {
  /// Written by `saker models --table FILE`: a line for each network.
  static let table = """
    lenet|61706|416520|16|2 6 14 5x5 conv, mean pool|4 16 5 5x5 conv, mean pool
    lenet_modern|61706|416520|16|2 6 14 5x5 conv, max pool|4 16 5 5x5 conv, max pool
    alexnet|61100840|714188480|195|4 64 55 11x11 conv|8 192 27 max pool, 5x5 conv|16 256 13 max pool, 3x3 conv x 3|32 256 6 max pool
    nin|7439608|965572864|195|4 96 54 11x11 conv, 1x1 conv x 2|8 256 26 max pool, 5x5 conv, 1x1 conv x 2|16 384 12 max pool, 3x3 conv, 1x1 conv x 2|32 384 5 max pool, 3x3 conv, 1x1 conv x 2
    vgg11|132863336|7609090048|150|2 64 112 3x3 conv, max pool|4 128 56 3x3 conv, max pool|8 256 28 3x3 conv x 2, max pool|16 512 14 3x3 conv x 2, max pool|32 512 7 3x3 conv x 2, max pool
    vgg11_bn|132868840|7609090048|150|2 64 112 3x3 conv, max pool|4 128 56 3x3 conv, max pool|8 256 28 3x3 conv x 2, max pool|16 512 14 3x3 conv x 2, max pool|32 512 7 3x3 conv x 2, max pool
    vgg13|133047848|11308466176|156|2 64 112 3x3 conv x 2, max pool|4 128 56 3x3 conv x 2, max pool|8 256 28 3x3 conv x 2, max pool|16 512 14 3x3 conv x 2, max pool|32 512 7 3x3 conv x 2, max pool
    vgg13_bn|133053736|11308466176|156|2 64 112 3x3 conv x 2, max pool|4 128 56 3x3 conv x 2, max pool|8 256 28 3x3 conv x 2, max pool|16 512 14 3x3 conv x 2, max pool|32 512 7 3x3 conv x 2, max pool
    vgg16|138357544|15470264320|212|2 64 112 3x3 conv x 2, max pool|4 128 56 3x3 conv x 2, max pool|8 256 28 3x3 conv x 3, max pool|16 512 14 3x3 conv x 3, max pool|32 512 7 3x3 conv x 3, max pool
    vgg16_bn|138365992|15470264320|212|2 64 112 3x3 conv x 2, max pool|4 128 56 3x3 conv x 2, max pool|8 256 28 3x3 conv x 3, max pool|16 512 14 3x3 conv x 3, max pool|32 512 7 3x3 conv x 3, max pool
    vgg19|143667240|19632062464|268|2 64 112 3x3 conv x 2, max pool|4 128 56 3x3 conv x 2, max pool|8 256 28 3x3 conv x 4, max pool|16 512 14 3x3 conv x 4, max pool|32 512 7 3x3 conv x 4, max pool
    vgg19_bn|143678248|19632062464|268|2 64 112 3x3 conv x 2, max pool|4 128 56 3x3 conv x 2, max pool|8 256 28 3x3 conv x 4, max pool|16 512 14 3x3 conv x 4, max pool|32 512 7 3x3 conv x 4, max pool
    googlenet|6624904|1498376192|379|2 64 112 7x7 conv|4 192 56 max pool, 1x1 conv, 3x3 conv|8 480 28 max pool x 3, 1x1 conv x 8, 3x3 conv x 4|16 832 14 max pool x 6, 1x1 conv x 20, 3x3 conv x 10|32 1024 7 max pool x 3, 1x1 conv x 8, 3x3 conv x 4
    inception_v2|11194984|2018851840|635|2 64 112 7x7 conv|4 192 56 max pool, 1x1 conv, 3x3 conv|8 320 28 max pool, 1x1 conv x 8, 3x3 conv x 6, mean pool x 2|16 576 14 1x1 conv x 18, 3x3 conv x 15, max pool, mean pool x 4|32 1024 7 1x1 conv x 10, 3x3 conv x 9, max pool x 2, mean pool
    inception_v3|23834568|5713216096|1247|2 64 147 3x3 conv x 3|4 192 71 max pool, 1x1 conv, 3x3 conv|8 288 35 max pool, 1x1 conv x 12, 5x5 conv x 3, 3x3 conv x 6, mean pool x 3|16 768 17 3x3 conv x 3, 1x1 conv x 17, max pool, 1x7 conv x 12, 7x1 conv x 12, mean pool x 4|32 2048 8 1x1 conv x 10, 3x3 conv x 4, 1x7 conv, 7x1 conv, max pool, 1x3 conv x 4, 3x1 conv x 4, mean pool x 2
    inception_v4|42679816|12253974624|2007|2 64 147 3x3 conv x 3|4 192 71 max pool, 3x3 conv x 3, 1x1 conv x 2, 1x7 conv, 7x1 conv|8 384 35 3x3 conv x 13, max pool, 1x1 conv x 16, mean pool x 4|16 1024 17 3x3 conv x 3, 1x1 conv x 29, max pool, 1x7 conv x 21, 7x1 conv x 21, mean pool x 7|32 1536 8 1x1 conv x 14, 3x3 conv x 2, 1x7 conv, 7x1 conv, max pool, 1x3 conv x 9, 3x1 conv x 9, mean pool x 3
    inception_resnet_v2|55843464|13155794016|3039|2 64 147 3x3 conv x 3|4 192 71 max pool, 1x1 conv, 3x3 conv|8 320 35 max pool, 1x1 conv x 44, 5x5 conv, 3x3 conv x 32, mean pool|16 1088 17 3x3 conv x 3, 1x1 conv x 61, max pool, 1x7 conv x 20, 7x1 conv x 20|32 1536 8 1x1 conv x 34, 3x3 conv x 4, max pool, 1x3 conv x 10, 3x1 conv x 10
    resnet18|11689512|1814073344|435|4 64 56 7x7 conv, max pool, 3x3 conv x 4|8 128 28 1x1 conv, 3x3 conv x 4|16 256 14 1x1 conv, 3x3 conv x 4|32 512 7 1x1 conv, 3x3 conv x 4
    resnet34|21797672|3663761408|899|4 64 56 7x7 conv, max pool, 3x3 conv x 6|8 128 28 1x1 conv, 3x3 conv x 8|16 256 14 1x1 conv, 3x3 conv x 12|32 512 7 1x1 conv, 3x3 conv x 6
    resnet50|25557032|4089184256|427|4 256 56 7x7 conv, max pool, 1x1 conv x 7, 3x3 conv x 3|8 512 28 1x1 conv x 9, 3x3 conv x 4|16 1024 14 1x1 conv x 13, 3x3 conv x 6|32 2048 7 1x1 conv x 7, 3x3 conv x 3
    resnet101|44549160|7801405440|971|4 256 56 7x7 conv, max pool, 1x1 conv x 7, 3x3 conv x 3|8 512 28 1x1 conv x 9, 3x3 conv x 4|16 1024 14 1x1 conv x 47, 3x3 conv x 23|32 2048 7 1x1 conv x 7, 3x3 conv x 3
    resnet152|60192808|11513626624|1451|4 256 56 7x7 conv, max pool, 1x1 conv x 7, 3x3 conv x 3|8 512 28 1x1 conv x 17, 3x3 conv x 8|16 1024 14 1x1 conv x 73, 3x3 conv x 36|32 2048 7 1x1 conv x 7, 3x3 conv x 3
    resnext50_32x4d|25028904|4230479872|427|4 256 56 7x7 conv, max pool, 1x1 conv x 7, 3x3 conv in 32 groups x 3|8 512 28 1x1 conv x 9, 3x3 conv in 32 groups x 4|16 1024 14 1x1 conv x 13, 3x3 conv in 32 groups x 6|32 2048 7 1x1 conv x 7, 3x3 conv in 32 groups x 3
    resnext101_32x8d|88791336|16414015488|971|4 256 56 7x7 conv, max pool, 1x1 conv x 7, 3x3 conv in 32 groups x 3|8 512 28 1x1 conv x 9, 3x3 conv in 32 groups x 4|16 1024 14 1x1 conv x 47, 3x3 conv in 32 groups x 23|32 2048 7 1x1 conv x 7, 3x3 conv in 32 groups x 3
    resnext101_64x4d|83455272|15460270080|971|4 256 56 7x7 conv, max pool, 1x1 conv x 7, 3x3 conv in 64 groups x 3|8 512 28 1x1 conv x 9, 3x3 conv in 64 groups x 4|16 1024 14 1x1 conv x 47, 3x3 conv in 64 groups x 23|32 2048 7 1x1 conv x 7, 3x3 conv in 64 groups x 3
    wide_resnet50_2|68883240|11398021120|427|4 256 56 7x7 conv, max pool, 1x1 conv x 7, 3x3 conv x 3|8 512 28 1x1 conv x 9, 3x3 conv x 4|16 1024 14 1x1 conv x 13, 3x3 conv x 6|32 2048 7 1x1 conv x 7, 3x3 conv x 3
    wide_resnet101_2|126886696|22753050624|971|4 256 56 7x7 conv, max pool, 1x1 conv x 7, 3x3 conv x 3|8 512 28 1x1 conv x 9, 3x3 conv x 4|16 1024 14 1x1 conv x 47, 3x3 conv x 23|32 2048 7 1x1 conv x 7, 3x3 conv x 3
    seresnet18|11779624|1814161408|435|4 64 56 7x7 conv, max pool, 3x3 conv x 4, gate x 2|8 128 28 1x1 conv, 3x3 conv x 4, gate x 2|16 256 14 1x1 conv, 3x3 conv x 4, gate x 2|32 512 7 1x1 conv, 3x3 conv x 4, gate x 2
    seresnet34|21960416|3663920128|899|4 64 56 7x7 conv, max pool, 3x3 conv x 6, gate x 3|8 128 28 1x1 conv, 3x3 conv x 8, gate x 4|16 256 14 1x1 conv, 3x3 conv x 12, gate x 6|32 512 7 1x1 conv, 3x3 conv x 6, gate x 3
    seresnet50|28088024|4091699200|427|4 256 56 7x7 conv, max pool, 1x1 conv x 7, 3x3 conv x 3, gate x 3|8 512 28 1x1 conv x 9, 3x3 conv x 4, gate x 4|16 1024 14 1x1 conv x 13, 3x3 conv x 6, gate x 6|32 2048 7 1x1 conv x 7, 3x3 conv x 3, gate x 3
    seresnet101|49326872|7806148608|971|4 256 56 7x7 conv, max pool, 1x1 conv x 7, 3x3 conv x 3, gate x 3|8 512 28 1x1 conv x 9, 3x3 conv x 4, gate x 4|16 1024 14 1x1 conv x 47, 3x3 conv x 23, gate x 23|32 2048 7 1x1 conv x 7, 3x3 conv x 3, gate x 3
    seresnet152|66821848|11520204800|1451|4 256 56 7x7 conv, max pool, 1x1 conv x 7, 3x3 conv x 3, gate x 3|8 512 28 1x1 conv x 17, 3x3 conv x 8, gate x 8|16 1024 14 1x1 conv x 73, 3x3 conv x 36, gate x 36|32 2048 7 1x1 conv x 7, 3x3 conv x 3, gate x 3
    resnet20|269722|40551040|81|1 16 32 3x3 conv x 7|2 32 16 3x3 conv x 6|4 64 8 3x3 conv x 6
    resnet32|464154|68862592|137|1 16 32 3x3 conv x 11|2 32 16 3x3 conv x 10|4 64 8 3x3 conv x 10
    resnet44|658586|97174144|193|1 16 32 3x3 conv x 15|2 32 16 3x3 conv x 14|4 64 8 3x3 conv x 14
    resnet56|853018|125485696|249|1 16 32 3x3 conv x 19|2 32 16 3x3 conv x 18|4 64 8 3x3 conv x 18
    resnet110|1727962|252887680|501|1 16 32 3x3 conv x 37|2 32 16 3x3 conv x 36|4 64 8 3x3 conv x 36
    resnet20_projection|272474|40813184|81|1 16 32 3x3 conv x 7|2 32 16 1x1 conv, 3x3 conv x 6|4 64 8 1x1 conv, 3x3 conv x 6
    resnet32_projection|466906|69124736|137|1 16 32 3x3 conv x 11|2 32 16 1x1 conv, 3x3 conv x 10|4 64 8 1x1 conv, 3x3 conv x 10
    resnet44_projection|661338|97436288|193|1 16 32 3x3 conv x 15|2 32 16 1x1 conv, 3x3 conv x 14|4 64 8 1x1 conv, 3x3 conv x 14
    resnet56_projection|855770|125747840|249|1 16 32 3x3 conv x 19|2 32 16 1x1 conv, 3x3 conv x 18|4 64 8 1x1 conv, 3x3 conv x 18
    resnet110_projection|1730714|253149824|501|1 16 32 3x3 conv x 37|2 32 16 1x1 conv, 3x3 conv x 36|4 64 8 1x1 conv, 3x3 conv x 36
    resnetv2_18|11687720|1814073344|435|4 64 56 7x7 conv, max pool, 3x3 conv x 4|8 128 28 1x1 conv, 3x3 conv x 4|16 256 14 1x1 conv, 3x3 conv x 4|32 512 7 1x1 conv, 3x3 conv x 4
    resnetv2_34|21795880|3663761408|899|4 64 56 7x7 conv, max pool, 3x3 conv x 6|8 128 28 1x1 conv, 3x3 conv x 8|16 256 14 1x1 conv, 3x3 conv x 12|32 512 7 1x1 conv, 3x3 conv x 6
    resnetv2_50|25549352|4089184256|427|4 256 56 7x7 conv, max pool, 1x1 conv x 7, 3x3 conv x 3|8 512 28 1x1 conv x 9, 3x3 conv x 4|16 1024 14 1x1 conv x 13, 3x3 conv x 6|32 2048 7 1x1 conv x 7, 3x3 conv x 3
    resnetv2_101|44541480|7801405440|971|4 256 56 7x7 conv, max pool, 1x1 conv x 7, 3x3 conv x 3|8 512 28 1x1 conv x 9, 3x3 conv x 4|16 1024 14 1x1 conv x 47, 3x3 conv x 23|32 2048 7 1x1 conv x 7, 3x3 conv x 3
    resnetv2_152|60185128|11513626624|1451|4 256 56 7x7 conv, max pool, 1x1 conv x 7, 3x3 conv x 3|8 512 28 1x1 conv x 17, 3x3 conv x 8|16 1024 14 1x1 conv x 73, 3x3 conv x 36|32 2048 7 1x1 conv x 7, 3x3 conv x 3
    densenet121|7978856|2834161664|2071|4 256 56 7x7 conv, max pool, 1x1 conv x 6, 3x3 conv x 6|8 512 28 1x1 conv x 13, mean pool, 3x3 conv x 12|16 1024 14 1x1 conv x 25, mean pool, 3x3 conv x 24|32 1024 7 1x1 conv x 17, mean pool, 3x3 conv x 16
    densenet161|28681000|7727907072|2967|4 384 56 7x7 conv, max pool, 1x1 conv x 6, 3x3 conv x 6|8 768 28 1x1 conv x 13, mean pool, 3x3 conv x 12|16 2112 14 1x1 conv x 37, mean pool, 3x3 conv x 36|32 2208 7 1x1 conv x 25, mean pool, 3x3 conv x 24
    densenet169|14149480|3359843328|3351|4 256 56 7x7 conv, max pool, 1x1 conv x 6, 3x3 conv x 6|8 512 28 1x1 conv x 13, mean pool, 3x3 conv x 12|16 1280 14 1x1 conv x 33, mean pool, 3x3 conv x 32|32 1664 7 1x1 conv x 33, mean pool, 3x3 conv x 32
    densenet201|20013928|4291365888|3863|4 256 56 7x7 conv, max pool, 1x1 conv x 6, 3x3 conv x 6|8 512 28 1x1 conv x 13, mean pool, 3x3 conv x 12|16 1792 14 1x1 conv x 49, mean pool, 3x3 conv x 48|32 1920 7 1x1 conv x 33, mean pool, 3x3 conv x 32
    densenet264|33337704|5751653376|5399|4 256 56 7x7 conv, max pool, 1x1 conv x 6, 3x3 conv x 6|8 512 28 1x1 conv x 13, mean pool, 3x3 conv x 12|16 2304 14 1x1 conv x 65, mean pool, 3x3 conv x 64|32 2688 7 1x1 conv x 49, mean pool, 3x3 conv x 48
    darknet19|20842376|2790989824|374|1 32 224 3x3 conv|2 64 112 max pool, 3x3 conv|4 128 56 max pool, 3x3 conv x 2, 1x1 conv|8 256 28 max pool, 3x3 conv x 2, 1x1 conv|16 512 14 max pool, 3x3 conv x 3, 1x1 conv x 2|32 1024 7 max pool, 3x3 conv x 3, 1x1 conv x 3
    darknet53|41609928|9285115904|725|1 32 256 3x3 conv|2 64 128 3x3 conv x 2, 1x1 conv|4 128 64 3x3 conv x 3, 1x1 conv x 2|8 256 32 3x3 conv x 9, 1x1 conv x 8|16 512 16 3x3 conv x 9, 1x1 conv x 8|32 1024 8 3x3 conv x 5, 1x1 conv x 4
    cspdarknet53|27642184|6533652480|725|1 32 256 3x3 conv|2 64 128 3x3 conv x 2, 1x1 conv x 4|4 128 64 3x3 conv x 3, 1x1 conv x 5|8 256 32 3x3 conv x 9, 1x1 conv x 11|16 512 16 3x3 conv x 9, 1x1 conv x 11|32 1024 8 3x3 conv x 5, 1x1 conv x 7
    cspresnext50|20569896|4014948352|427|4 256 64 7x7 conv, max pool, 1x1 conv x 9, 3x3 conv in 32 groups x 3|8 512 32 3x3 conv in 32 groups x 4, 1x1 conv x 9|16 1024 16 3x3 conv in 32 groups x 6, 1x1 conv x 13|32 2048 8 3x3 conv in 32 groups x 3, 1x1 conv x 7
    mobilenetv1_100|4231976|568740352|315|2 64 112 3x3 conv, 3x3 depthwise, 1x1 conv|4 128 56 3x3 depthwise x 2, 1x1 conv x 2|8 256 28 3x3 depthwise x 2, 1x1 conv x 2|16 512 14 3x3 depthwise x 6, 1x1 conv x 6|32 1024 7 3x3 depthwise x 2, 1x1 conv x 2
    mobilenetv1_125|6270840|879516800|315|2 80 112 3x3 conv, 3x3 depthwise, 1x1 conv|4 160 56 3x3 depthwise x 2, 1x1 conv x 2|8 320 28 3x3 depthwise x 2, 1x1 conv x 2|16 640 14 3x3 depthwise x 6, 1x1 conv x 6|32 1280 7 3x3 depthwise x 2, 1x1 conv x 2
    mobilenet_v2|3504872|300774272|491|2 16 112 3x3 conv, 3x3 depthwise, 1x1 conv|4 24 56 1x1 conv x 4, 3x3 depthwise x 2|8 32 28 1x1 conv x 6, 3x3 depthwise x 3|16 96 14 1x1 conv x 14, 3x3 depthwise x 7|32 1280 7 1x1 conv x 9, 3x3 depthwise x 4
    mobilenet_v3_large|5483032|216589760|595|2 16 112 3x3 conv, 3x3 depthwise, 1x1 conv|4 24 56 1x1 conv x 4, 3x3 depthwise x 2|8 40 28 1x1 conv x 6, 5x5 depthwise x 3, gate x 3|16 112 14 1x1 conv x 12, 3x3 depthwise x 6, gate x 2|32 960 7 1x1 conv x 7, 5x5 depthwise x 3, gate x 3
    mobilenet_v3_small|2542856|56510400|639|2 16 112 3x3 conv|4 16 56 3x3 depthwise, gate, 1x1 conv|8 24 28 1x1 conv x 4, 3x3 depthwise x 2|16 48 14 1x1 conv x 10, 5x5 depthwise x 5, gate x 5|32 576 7 1x1 conv x 7, 5x5 depthwise x 3, gate x 3
    shufflenet_v1_g1|1531936|143078976|527|2 24 112 3x3 conv|8 144 28 max pool, mean pool, 1x1 conv x 8, 3x3 depthwise x 4|16 288 14 mean pool, 1x1 conv x 16, 3x3 depthwise x 8|32 576 7 mean pool, 1x1 conv x 8, 3x3 depthwise x 4
    shufflenet_v1_g2|1733848|140836512|527|2 24 112 3x3 conv|8 200 28 max pool, mean pool, 1x1 conv, 3x3 depthwise x 4, 1x1 conv in 2 groups x 7|16 400 14 mean pool, 1x1 conv in 2 groups x 16, 3x3 depthwise x 8|32 800 7 mean pool, 1x1 conv in 2 groups x 8, 3x3 depthwise x 4
    shufflenet_v1_g3|1865728|137460672|527|2 24 112 3x3 conv|8 240 28 max pool, mean pool, 1x1 conv, 3x3 depthwise x 4, 1x1 conv in 3 groups x 7|16 480 14 mean pool, 1x1 conv in 3 groups x 16, 3x3 depthwise x 8|32 960 7 mean pool, 1x1 conv in 3 groups x 8, 3x3 depthwise x 4
    shufflenet_v1_g4|1968344|134339776|527|2 24 112 3x3 conv|8 272 28 max pool, mean pool, 1x1 conv, 3x3 depthwise x 4, 1x1 conv in 4 groups x 7|16 544 14 mean pool, 1x1 conv in 4 groups x 16, 3x3 depthwise x 8|32 1088 7 mean pool, 1x1 conv in 4 groups x 8, 3x3 depthwise x 4
    shufflenet_v1_g8|2434768|138365952|527|2 24 112 3x3 conv|8 384 28 max pool, mean pool, 1x1 conv, 3x3 depthwise x 4, 1x1 conv in 8 groups x 7|16 768 14 mean pool, 1x1 conv in 8 groups x 16, 3x3 depthwise x 8|32 1536 7 mean pool, 1x1 conv in 8 groups x 8, 3x3 depthwise x 4
    shufflenet_v2_x0_5|1366792|40476448|527|2 24 112 3x3 conv|8 48 28 max pool, 3x3 depthwise x 5, 1x1 conv x 9|16 96 14 3x3 depthwise x 9, 1x1 conv x 17|32 1024 7 3x3 depthwise x 5, 1x1 conv x 10
    shufflenet_v2_x1_0|2278604|144907992|527|2 24 112 3x3 conv|8 116 28 max pool, 3x3 depthwise x 5, 1x1 conv x 9|16 232 14 3x3 depthwise x 9, 1x1 conv x 17|32 1024 7 3x3 depthwise x 5, 1x1 conv x 10
    shufflenet_v2_x1_5|3503624|295759392|527|2 24 112 3x3 conv|8 176 28 max pool, 3x3 depthwise x 5, 1x1 conv x 9|16 352 14 3x3 depthwise x 9, 1x1 conv x 17|32 1024 7 3x3 depthwise x 5, 1x1 conv x 10
    shufflenet_v2_x2_0|7393996|583253464|527|2 24 112 3x3 conv|8 244 28 max pool, 3x3 depthwise x 5, 1x1 conv x 9|16 488 14 3x3 depthwise x 9, 1x1 conv x 17|32 2048 7 3x3 depthwise x 5, 1x1 conv x 10
    ghostnet_050|2587292|42328152|1171|2 8 112 3x3 conv, 1x1 conv x 2, 3x3 depthwise x 2|4 12 56 3x3 depthwise x 6, 1x1 conv x 5|8 20 28 5x5 depthwise x 2, 1x1 conv x 5, 3x3 depthwise x 4, gate x 2|16 56 14 3x3 depthwise x 15, 1x1 conv x 14, gate x 2|32 480 7 5x5 depthwise x 2, 1x1 conv x 12, 3x3 depthwise x 10, gate x 3
    ghostnet_100|5182508|141150512|1171|2 16 112 3x3 conv, 1x1 conv x 2, 3x3 depthwise x 2|4 24 56 3x3 depthwise x 6, 1x1 conv x 5|8 40 28 5x5 depthwise x 2, 1x1 conv x 5, 3x3 depthwise x 4, gate x 2|16 112 14 3x3 depthwise x 15, 1x1 conv x 14, gate x 2|32 960 7 5x5 depthwise x 2, 1x1 conv x 12, 3x3 depthwise x 10, gate x 3
    ghostnet_130|7358820|227003256|1171|2 20 112 3x3 conv, 1x1 conv x 2, 3x3 depthwise x 2|4 32 56 3x3 depthwise x 6, 1x1 conv x 5|8 52 28 5x5 depthwise x 2, 1x1 conv x 5, 3x3 depthwise x 4, gate x 2|16 144 14 3x3 depthwise x 15, 1x1 conv x 14, gate x 2|32 1248 7 5x5 depthwise x 2, 1x1 conv x 12, 3x3 depthwise x 10, gate x 3
    efficientnet_b0|5288548|385814752|851|2 16 112 3x3 conv, 3x3 depthwise, gate, 1x1 conv|4 24 56 1x1 conv x 4, 3x3 depthwise x 2, gate x 2|8 40 28 1x1 conv x 4, 5x5 depthwise x 2, gate x 2|16 112 14 1x1 conv x 12, 3x3 depthwise x 3, gate x 6, 5x5 depthwise x 3|32 1280 7 1x1 conv x 11, 5x5 depthwise x 4, gate x 5, 3x3 depthwise
    efficientnet_b1|7794184|686802832|1183|2 16 120 3x3 conv, 3x3 depthwise x 2, gate x 2, 1x1 conv x 2|4 24 60 1x1 conv x 6, 3x3 depthwise x 3, gate x 3|8 40 30 1x1 conv x 6, 5x5 depthwise x 3, gate x 3|16 112 15 1x1 conv x 16, 3x3 depthwise x 4, gate x 8, 5x5 depthwise x 4|32 1280 8 1x1 conv x 15, 5x5 depthwise x 5, gate x 7, 3x3 depthwise x 2
    efficientnet_b2|9109994|1087529456|1183|2 16 144 3x3 conv, 3x3 depthwise x 2, gate x 2, 1x1 conv x 2|4 24 72 1x1 conv x 6, 3x3 depthwise x 3, gate x 3|8 48 36 1x1 conv x 6, 5x5 depthwise x 3, gate x 3|16 120 18 1x1 conv x 16, 3x3 depthwise x 4, gate x 8, 5x5 depthwise x 4|32 1408 9 1x1 conv x 15, 5x5 depthwise x 5, gate x 7, 3x3 depthwise x 2
    efficientnet_b3|12233232|1827141392|1407|2 24 150 3x3 conv, 3x3 depthwise x 2, gate x 2, 1x1 conv x 2|4 32 75 1x1 conv x 6, 3x3 depthwise x 3, gate x 3|8 48 38 1x1 conv x 6, 5x5 depthwise x 3, gate x 3|16 136 19 1x1 conv x 20, 3x3 depthwise x 5, gate x 10, 5x5 depthwise x 5|32 1536 10 1x1 conv x 17, 5x5 depthwise x 6, gate x 8, 3x3 depthwise x 2
    efficientnet_b4|19341616|4393771024|1799|2 24 190 3x3 conv, 3x3 depthwise x 2, gate x 2, 1x1 conv x 2|4 32 95 1x1 conv x 8, 3x3 depthwise x 4, gate x 4|8 56 48 1x1 conv x 8, 5x5 depthwise x 4, gate x 4|16 160 24 1x1 conv x 24, 3x3 depthwise x 6, gate x 12, 5x5 depthwise x 6|32 1792 12 1x1 conv x 21, 5x5 depthwise x 8, gate x 10, 3x3 depthwise x 2
    efficientnet_b5|30389784|10266384752|2131|2 24 228 3x3 conv, 3x3 depthwise x 3, gate x 3, 1x1 conv x 3|4 40 114 1x1 conv x 10, 3x3 depthwise x 5, gate x 5|8 64 57 1x1 conv x 10, 5x5 depthwise x 5, gate x 5|16 176 29 1x1 conv x 28, 3x3 depthwise x 7, gate x 14, 5x5 depthwise x 7|32 2048 15 1x1 conv x 25, 5x5 depthwise x 9, gate x 12, 3x3 depthwise x 3
    efficientnet_b6|43040704|19067593536|2523|2 32 264 3x3 conv, 3x3 depthwise x 3, gate x 3, 1x1 conv x 3|4 40 132 1x1 conv x 12, 3x3 depthwise x 6, gate x 6|8 72 66 1x1 conv x 12, 5x5 depthwise x 6, gate x 6|16 200 33 1x1 conv x 32, 3x3 depthwise x 8, gate x 16, 5x5 depthwise x 8|32 2304 17 1x1 conv x 29, 5x5 depthwise x 11, gate x 14, 3x3 depthwise x 3
    efficientnet_b7|66347960|37745884192|3079|2 32 300 3x3 conv, 3x3 depthwise x 4, gate x 4, 1x1 conv x 4|4 48 150 1x1 conv x 14, 3x3 depthwise x 7, gate x 7|8 80 75 1x1 conv x 14, 5x5 depthwise x 7, gate x 7|16 224 38 1x1 conv x 40, 3x3 depthwise x 10, gate x 20, 5x5 depthwise x 10|32 2560 19 1x1 conv x 35, 5x5 depthwise x 13, gate x 17, 3x3 depthwise x 4
    repvgg_a0|9108968|1512581120|535|2 48 112 1x1 conv, 3x3 conv|4 48 56 1x1 conv x 2, 3x3 conv x 2|8 96 28 1x1 conv x 4, 3x3 conv x 4|16 192 14 1x1 conv x 14, 3x3 conv x 14|32 1280 7 1x1 conv, 3x3 conv
    repvgg_a1|14092264|2626488320|535|2 64 112 1x1 conv, 3x3 conv|4 64 56 1x1 conv x 2, 3x3 conv x 2|8 128 28 1x1 conv x 4, 3x3 conv x 4|16 256 14 1x1 conv x 14, 3x3 conv x 14|32 1280 7 1x1 conv, 3x3 conv
    repvgg_a2|28210600|5685345280|535|2 64 112 1x1 conv, 3x3 conv|4 96 56 1x1 conv x 2, 3x3 conv x 2|8 192 28 1x1 conv x 4, 3x3 conv x 4|16 384 14 1x1 conv x 14, 3x3 conv x 14|32 1408 7 1x1 conv, 3x3 conv
    repvgg_b0|15817960|3397191680|647|2 64 112 1x1 conv, 3x3 conv|4 64 56 1x1 conv x 4, 3x3 conv x 4|8 128 28 1x1 conv x 6, 3x3 conv x 6|16 256 14 1x1 conv x 16, 3x3 conv x 16|32 1280 7 1x1 conv, 3x3 conv
    repvgg_b1|57415016|13128089600|647|2 64 112 1x1 conv, 3x3 conv|4 128 56 1x1 conv x 4, 3x3 conv x 4|8 256 28 1x1 conv x 6, 3x3 conv x 6|16 512 14 1x1 conv x 16, 3x3 conv x 16|32 2048 7 1x1 conv, 3x3 conv
    repvgg_b1g4|39966056|8118517760|647|2 64 112 1x1 conv, 3x3 conv|4 128 56 1x1 conv x 2, 3x3 conv x 2, 1x1 conv in 4 groups x 2, 3x3 conv in 4 groups x 2|8 256 28 1x1 conv x 3, 3x3 conv x 3, 1x1 conv in 4 groups x 3, 3x3 conv in 4 groups x 3|16 512 14 1x1 conv x 8, 3x3 conv x 8, 1x1 conv in 4 groups x 8, 3x3 conv in 4 groups x 8|32 2048 7 1x1 conv, 3x3 conv
    repvgg_b2|89022376|20418170880|647|2 64 112 1x1 conv, 3x3 conv|4 160 56 1x1 conv x 4, 3x3 conv x 4|8 320 28 1x1 conv x 6, 3x3 conv x 6|16 640 14 1x1 conv x 16, 3x3 conv x 16|32 2560 7 1x1 conv, 3x3 conv
    repvgg_b2g4|61758376|12590714880|647|2 64 112 1x1 conv, 3x3 conv|4 160 56 1x1 conv x 2, 3x3 conv x 2, 1x1 conv in 4 groups x 2, 3x3 conv in 4 groups x 2|8 320 28 1x1 conv x 3, 3x3 conv x 3, 1x1 conv in 4 groups x 3, 3x3 conv in 4 groups x 3|16 640 14 1x1 conv x 8, 3x3 conv x 8, 1x1 conv in 4 groups x 8, 3x3 conv in 4 groups x 8|32 2560 7 1x1 conv, 3x3 conv
    repvgg_b3|123085288|29120696320|647|2 64 112 1x1 conv, 3x3 conv|4 192 56 1x1 conv x 4, 3x3 conv x 4|8 384 28 1x1 conv x 6, 3x3 conv x 6|16 768 14 1x1 conv x 16, 3x3 conv x 16|32 2560 7 1x1 conv, 3x3 conv
    repvgg_b3g4|83825128|17849159680|647|2 64 112 1x1 conv, 3x3 conv|4 192 56 1x1 conv x 2, 3x3 conv x 2, 1x1 conv in 4 groups x 2, 3x3 conv in 4 groups x 2|8 384 28 1x1 conv x 3, 3x3 conv x 3, 1x1 conv in 4 groups x 3, 3x3 conv in 4 groups x 3|16 768 14 1x1 conv x 8, 3x3 conv x 8, 1x1 conv in 4 groups x 8, 3x3 conv in 4 groups x 8|32 2560 7 1x1 conv, 3x3 conv
    vit_b_16|86567656|17563828224|all|16 768 14 16x16 conv, attention x 12, linear x 24
    vit_b_32|88224232|4409186304|all|32 768 7 32x32 conv, attention x 12, linear x 24
    vit_l_16|304326632|61554712576|all|16 1024 14 16x16 conv, attention x 24, linear x 48
    vit_l_32|306535400|15377539072|all|32 1024 7 32x32 conv, attention x 24, linear x 48
    vit_tiny_patch16_224|5717416|1253683200|all|16 192 14 16x16 conv, attention x 12, linear x 24
    vit_small_patch16_224|22050664|4598882304|all|16 384 14 16x16 conv, attention x 12, linear x 24
    vit_small_patch32_224|22878952|1142909952|all|32 384 7 32x32 conv, attention x 12, linear x 24
    mixer_s32_224|19104624|1002426368|all|32 512 7 32x32 conv, linear x 32
    mixer_s16_224|18528264|3776958464|all|16 512 14 16x16 conv, linear x 32
    mixer_b32_224|60293428|3237722112|all|32 768 7 32x32 conv, linear x 48
    mixer_b16_224|59880472|12601767936|all|16 768 14 16x16 conv, linear x 48
    mixer_l32_224|206939264|11253293056|all|32 1024 7 32x32 conv, linear x 96
    mixer_l16_224|208196168|44547678208|all|16 1024 14 16x16 conv, linear x 96
    convmixer_768_32|21110248|20676851712|all|7 768 32 7x7 conv, 7x7 depthwise x 32, 1x1 conv x 32
    convmixer_1024_20_ks9_p14|24383464|5948547072|all|14 1024 16 14x14 conv, 9x9 depthwise x 20, 1x1 conv x 20
    convmixer_1536_20|51625960|51099168768|all|7 1536 32 7x7 conv, 9x9 depthwise x 20, 1x1 conv x 20
    fnet_s32|15781096|751819776|all|32 384 7 32x32 conv, Fourier mixing x 12, linear x 24
    fnet_s16|14952808|2832718848|all|16 384 14 16x16 conv, Fourier mixing x 12, linear x 24
    fnet_b32|59872744|2890905600|all|32 768 7 32x32 conv, Fourier mixing x 12, linear x 24
    fnet_b16|58216168|11214501888|all|16 768 14 16x16 conv, Fourier mixing x 12, linear x 24
    """
}
