"""Every classifier of the catalogue against torchvision's and timm's: logits of each variant at its own size, one training step of
one variant a family, names, parameters and multiply-adds.

Weights are not stored: both sides compute them by `drawn`, from the crc32 of a tensor's name, so that they are the same to the
bit. What torchvision and timm lack is defined here, from the papers.

classifiers.safetensors:
    NAME/y       the first 64 logits of one picture, drawn, in evaluation, in double precision
    NAME/train.y, NAME/loss, NAME/n   a training step on 4 pictures of NAME/side pixels: first logits, cross-entropy, and the root
                 mean square of each parameter's gradient, in the order of the names sorted
    NAME/error   how far PyTorch's float32 is from that: the worst of n, relative, and of train.y
    attributes   side, names (crc32 of the sorted names with shapes), state (the number of tensors), parameters, multiply_adds

Run with names to make only these anew: classifiers.py resnet18 ...
"""

import json
import sys
import zlib

import torch
from safetensors.torch import load_file, safe_open
from torch import nn
from torch.nn import functional as F
import torchvision

from common import FIXTURES, Golden
from classifier_models import PAPER_MODELS
from drawn_weights import drawn, start

try:
    import timm
except ImportError:
    timm = None

KEPT = 64


def multiply_adds(network, picture):
    """Of convolutions, linear layers and attention's two products."""
    total = 0

    def convolution(module, inputs, output):
        nonlocal total
        total += output.numel() * module.weight[0].numel()

    def linear(module, inputs, output):
        nonlocal total
        total += output.numel() * module.in_features

    def attention(module, inputs, output):
        nonlocal total
        batch, tokens, width = inputs[0].shape
        total += batch * tokens * width * 2 * tokens
        # timm's projections are linear layers that run as such.
        if isinstance(module, nn.MultiheadAttention):
            total += batch * tokens * width * 4 * width

    hooks = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(module.register_forward_hook(convolution))
        elif isinstance(module, nn.Linear):
            hooks.append(module.register_forward_hook(linear))
        elif isinstance(module, nn.MultiheadAttention) or type(module) is getattr(timm, "layers", timm).Attention:
            hooks.append(module.register_forward_hook(attention))
    with torch.no_grad():
        network.eval()(picture)
    for hook in hooks:
        hook.remove()
    return total


def make(name):
    if name in PAPER_MODELS:
        network = PAPER_MODELS[name]()
        return network, 28 if name.startswith("lenet") else 32 if type(network).__name__ == "SmallResNet" else 224
    if name in torchvision.models.list_models(module=torchvision.models):
        options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
        if options:
            options["aux_logits"] = False
        network = torchvision.models.get_model(name, weights=None, **options)
        weights = torchvision.models.get_model_weights(name)
        best = list(weights)[0]
        side = best.transforms().crop_size[0]
        assert sum(p.numel() for p in network.parameters()) == best.meta["num_params"] or options, name
        return network, side
    network = timm.create_model(name, pretrained=False)
    return network, network.default_cfg["input_size"][1]


# One variant a family, and the side of its pictures.
TRAINED = {
    "lenet": 28, "alexnet": 95, "nin": 99, "vgg11_bn": 64, "googlenet": 96, "inception_v3": 235, "resnet18": 128, "resnet50": 64,
    "resnet20": 32, "resnet20_projection": 32,
    "resnext50_32x4d": 64, "seresnet50": 64, "densenet121": 96, "mobilenetv1_100": 64, "mobilenet_v2": 128,
    "mobilenet_v3_large": 64, "mobilenet_v3_small": 64, "shufflenet_v1_g3": 64, "shufflenet_v2_x1_0": 128, "efficientnet_b0": 64,
    "resnetv2_50": 64, "repvgg_a0": 64, "ghostnet_100": 64, "darknet53": 64, "darknet19": 128, "cspdarknet53": 128,
    "cspresnext50": 64, "inception_v4": 235, "inception_resnet_v2": 139, "inception_v2": 96,
    "vit_tiny_patch16_224": 224, "vit_b_32": 224, "mixer_s32_224": 224, "convmixer_1024_20_ks9_p14": 70, "fnet_s16": 224,
}
ALL = [
    "lenet", "lenet_modern", "alexnet", "nin",
    *[f"vgg{depth}{form}" for depth in (11, 13, 16, 19) for form in ("", "_bn")], "googlenet", "inception_v3",
    *[f"resnet{depth}" for depth in (18, 34, 50, 101, 152)], "resnext50_32x4d", "resnext101_32x8d", "resnext101_64x4d",
    "wide_resnet50_2", "wide_resnet101_2", *[f"seresnet{depth}" for depth in (18, 34, 50, 101, 152)],
    *[f"resnet{depth}{suffix}" for suffix in ("", "_projection") for depth in (20, 32, 44, 56, 110)],
    *[f"densenet{depth}" for depth in (121, 161, 169, 201, 264)], "mobilenetv1_100", "mobilenetv1_125", "mobilenet_v2",
    "mobilenet_v3_large", "mobilenet_v3_small", *[f"shufflenet_v1_g{groups}" for groups in (1, 2, 3, 4, 8)],
    *[f"shufflenet_v2_x{width}" for width in ("0_5", "1_0", "1_5", "2_0")], *[f"efficientnet_b{index}" for index in range(8)],
    *[f"resnetv2_{depth}" for depth in (18, 34, 50, 101, 152)],
    *[f"repvgg_{size}" for size in ("a0", "a1", "a2", "b0", "b1", "b1g4", "b2", "b2g4", "b3", "b3g4")],
    *[f"ghostnet_{width}" for width in ("050", "100", "130")], "darknet19", "darknet53", "cspdarknet53", "cspresnext50",
    "inception_v2", "inception_v4", "inception_resnet_v2", *[f"vit_{size}_{patch}" for size in "bl" for patch in (16, 32)],
    "vit_tiny_patch16_224", "vit_small_patch16_224", "vit_small_patch32_224",
    *[f"mixer_{size}{patch}_224" for size in "sbl" for patch in (32, 16)],
    "convmixer_768_32", "convmixer_1024_20_ks9_p14", "convmixer_1536_20",
    *[f"fnet_{size}{patch}" for size in "sb" for patch in (32, 16)],
]


def evaluate(name):
    """The attributes and tensors of one variant."""
    network, side = make(name)
    channels = 1 if name.startswith("lenet") else 3
    start(network)
    state = {k: v for k, v in network.state_dict().items()}
    lines = "\n".join(sorted(f"{k} {'x'.join(map(str, v.shape))}" for k, v in state.items()))
    picture = torch.from_numpy(drawn((1, channels, side, side), 1000))
    attributes = {
        "side": side, "names": zlib.crc32(lines.encode()), "state": len(state),
        "parameters": sum(p.numel() for p in network.parameters()),
        "multiply_adds": multiply_adds(network, picture),
    }
    with torch.no_grad():
        single = network.eval()(picture)[0]
        exact = network.double().eval()(picture.double())[0]
    error = (single - exact).abs().max() / exact.abs().max()
    assert error < 2e-5, f"{name} is ill-conditioned: {error}"
    tensors = {"y": exact[:KEPT]}
    if name in TRAINED:
        tensors |= train(network, name, channels)
    print(name, attributes, f"{error:.1e}", flush=True)
    return attributes, tensors


def train(network, name, channels):
    side = TRAINED[name]
    pictures = torch.from_numpy(drawn((4, channels, side, side), 2000))
    labels = torch.tensor([3, 0, 9, 3])
    network.train()
    network.drop_rate = 0.0  # timm's GhostNet drops without a layer
    for module in network.modules():
        if "Drop" in type(module).__name__ or "StochasticDepth" in type(module).__name__:
            module.eval()
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()

    def run(dtype):
        net = network.to(dtype)
        net.zero_grad()
        y = net(pictures.to(dtype))
        loss = F.cross_entropy(y, labels)
        loss.backward()
        sizes = {k: p.grad.square().mean().sqrt() for k, p in net.named_parameters()}
        return y.detach()[:, :KEPT].clone(), loss.detach().clone(), torch.stack([sizes[k] for k in sorted(sizes)])

    (y, loss, sizes), (y32, loss32, sizes32) = run(torch.float64), run(torch.float32)
    floor = 1e-4 * sizes.max()  # a bias before a batch norm changes nothing: what is left of its gradient is rounding
    worst = ((sizes - sizes32).abs() / sizes.clamp(min=floor)).max()
    error = (y - y32).abs().max() / y.abs().max()
    # ReLUs that rounding tips move gradients: how far is measured by PyTorch's own float32.
    return {"train.y": y, "loss": loss, "n": sizes, "side": torch.tensor(side), "error": torch.stack([worst, error])}


path = FIXTURES / "classifiers.safetensors"
wanted = sys.argv[1:] or ALL
golden = Golden("classifiers")
if sys.argv[1:] and path.exists():
    with safe_open(path, "pt") as file:
        cases = json.loads(file.metadata()["cases"])
    old = load_file(path)
    for name, attributes in cases.items():
        if name not in wanted:
            prefix = name + "/"
            golden.add(name, {k[len(prefix):]: v for k, v in old.items() if k.startswith(prefix)}, **attributes)
for name in wanted:
    attributes, tensors = evaluate(name)
    golden.add(name, tensors, **attributes)
golden.save()
