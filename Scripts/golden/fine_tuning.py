"""Three steps of fine-tuning as the field does it: parameter groups with rates of their own, label smoothing,
MixUp's shares in the last step, batch norm learning, SGD with Nesterov's momentum and decay.

python Scripts/golden/fine_tuning.py
"""

import torch
from torch import nn

from common import Golden

golden = Golden("fine_tuning")
random = golden.random("sgd")


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 6, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(6)
        self.conv2 = nn.Conv2d(6, 8, 3, 2, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(8)
        self.fc = nn.Linear(8, 3)

    def forward(self, x):
        x = torch.tanh(self.bn1(self.conv1(x)))
        x = torch.tanh(self.bn2(self.conv2(x)))
        return self.fc(x.mean((2, 3)))


model = Tiny().double()
with torch.no_grad():
    for parameter in model.parameters():
        parameter += (0.3 * random(*parameter.shape)).double()
        parameter.copy_(parameter.float().double())
tensors = {f"before/{k}": v.clone() for k, v in model.state_dict().items() if v.ndim > 0}
images = random(3, 4, 3, 12, 12)
labels = torch.tensor([[0, 1, 2, 1], [2, 2, 0, 1], [1, 0, 0, 2]])
partners, share = [2, 0, 3, 1], 0.7

rate = 0.05
groups = [
    {"params": list(model.fc.parameters()), "lr": 10 * rate},
    {"params": [*model.conv2.parameters(), *model.bn2.parameters()], "lr": 0.5 * rate},
    {"params": [*model.conv1.parameters(), *model.bn1.parameters()], "lr": 0.25 * rate},
]
optimizer = torch.optim.SGD(groups, lr=rate, momentum=0.9, weight_decay=5e-4, nesterov=True)
weights = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
losses = []
for step in range(3):
    x = images[step].double()
    if step == 2:
        hot = nn.functional.one_hot(labels[step], 3).double()
        target = share * hot + (1 - share) * hot[partners]
        x = share * x + (1 - share) * x[partners]
        loss = nn.functional.cross_entropy(model(x), target, label_smoothing=0.1)
    else:
        loss = nn.functional.cross_entropy(
            model(x), labels[step], label_smoothing=0.1, weight=weights if step == 1 else None)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
tensors |= {f"after/{k}": v for k, v in model.state_dict().items() if v.ndim > 0}
tensors |= {"images": images, "losses": torch.tensor(losses), "weights": weights}
golden.add("sgd", tensors, labels=labels.tolist(), partners=partners, share=share)
golden.save()
