#!/usr/bin/python3
"""notebook_fixtures.py [FOLDER]: the notebook of docs/notebook.md in NumPy, statement by statement; writes
notebook_default.json and notebook_received.json, which notebook_test.cpp compares `resnet study notebook` with.
Needs Debian's python3-numpy; the numbers are those of numpy.random.RandomState, which NumPy keeps for ever."""
import json
import pathlib
import sys

import numpy as np


def relu(x):
    return np.maximum(0, x)


def relu_derivative(x):
    return (x > 0).astype(float)


class PlainLayer:
    def __init__(self, input_size, output_size):
        self.W = np.random.randn(output_size, input_size) * np.sqrt(2.0 / input_size)
        self.b = np.zeros((output_size, 1))

    def forward(self, x):
        self.x = x
        self.z = np.dot(self.W, x) + self.b
        self.a = relu(self.z)
        return self.a

    def backward(self, dout):
        da = dout * relu_derivative(self.z)
        self.dW = np.dot(da, self.x.T)
        self.db = np.sum(da, axis=1, keepdims=True)
        self.dx = np.dot(self.W.T, da)
        return self.dx


class ResidualBlock:
    def __init__(self, size):
        self.layer1 = PlainLayer(size, size)
        self.layer2 = PlainLayer(size, size)

    def forward(self, x):
        out = self.layer2.forward(self.layer1.forward(x))
        self.out = out + x
        return self.out

    def backward(self, dout):
        dx_residual = self.layer1.backward(self.layer2.backward(dout))
        self.dx = dx_residual + dout
        return self.dx


class PlainNetwork:
    def __init__(self, input_size, hidden_size, num_layers):
        self.layers = [PlainLayer(input_size, hidden_size)]
        for _ in range(num_layers - 2):
            self.layers.append(PlainLayer(hidden_size, hidden_size))
        self.layers.append(PlainLayer(hidden_size, input_size))

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dout):
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return dout


class ResidualNetwork:
    def __init__(self, input_size, hidden_size, num_blocks):
        self.input_proj = PlainLayer(input_size, hidden_size)
        self.blocks = [ResidualBlock(hidden_size) for _ in range(num_blocks)]
        self.output_proj = PlainLayer(hidden_size, input_size)

    def forward(self, x):
        x = self.input_proj.forward(x)
        for block in self.blocks:
            x = block.forward(x)
        return self.output_proj.forward(x)

    def backward(self, dout):
        dout = self.output_proj.backward(dout)
        for block in reversed(self.blocks):
            dout = block.backward(dout)
        return self.input_proj.backward(dout)


def norm(x):
    return float(np.linalg.norm(x))


def row(name, layer):
    return {"name": name, "output": norm(layer.a), "dw": norm(layer.dW), "db": norm(layer.db), "dx": norm(layer.dx)}


def rows(network):
    if isinstance(network, PlainNetwork):
        last = len(network.layers) - 1
        names = {0: "input", last: "output"}
        return [row(names.get(i, f"hidden.{i - 1}"), layer) for i, layer in enumerate(network.layers)]
    found = [row("input", network.input_proj)]
    for i, block in enumerate(network.blocks):
        pair = [row(f"blocks.{i}.linear1", block.layer1), row(f"blocks.{i}.linear2", block.layer2)]
        mean = {key: float(np.mean([pair[0][key], pair[1][key]])) for key in ("dw", "db")}
        found += [{"name": f"blocks.{i}", "output": norm(block.out), **mean, "dx": norm(block.dx)}] + pair
    return found + [row("output", network.output_proj)]


def measure_gradient_flow(network, input_size):
    x = np.random.randn(input_size, 1)
    output = network.forward(x)
    network.backward(np.ones_like(output))
    if isinstance(network, PlainNetwork):
        return [norm(layer.dW) for layer in network.layers]
    norms = [norm(network.input_proj.dW)]
    for block in network.blocks:
        norms.append(float(np.mean([norm(block.layer1.dW), norm(block.layer2.dW)])))
    return norms + [norm(network.output_proj.dW)]


def generate_patterns(num_samples, size):
    X, y = [], []
    for i in range(num_samples):
        pattern = np.zeros((size, size))
        if i % 3 == 0:
            pattern[2:3, :] = 1
            label = 0
        elif i % 3 == 1:
            pattern[:, 3:4] = 1
            label = 1
        else:
            np.fill_diagonal(pattern, 1)
            label = 2
        pattern += np.random.randn(size, size) * 0.1
        X.append(pattern.flatten())
        y.append(label)
    return np.array(X), np.array(y)


def notebook(seed, hidden_size, depth, depths, patterns, input_size=16):
    np.random.seed(seed)
    plain_net = PlainNetwork(input_size, hidden_size, depth)
    resnet = ResidualNetwork(input_size, hidden_size, depth)
    plain = measure_gradient_flow(plain_net, input_size)
    residual = measure_gradient_flow(resnet, input_size)
    ratio = {"plain": plain[0] / plain[-1], "residual": residual[0] / residual[-1]}
    result = {"gradient_flow": {
        "plain": plain, "residual": residual, "first": {"plain": plain[0], "residual": residual[0]},
        "last": {"plain": plain[-1], "residual": residual[-1]}, "ratio": ratio,
        "improvement": ratio["plain"] / ratio["residual"],
        "layers": {"plain": rows(plain_net), "residual": rows(resnet)}}}
    X, y = generate_patterns(patterns, 4)
    result["patterns"] = {"X": X[:3].tolist(), "y": y[:6].tolist()}
    x = np.random.randn(hidden_size, 1)
    block = ResidualBlock(hidden_size)
    block.layer1.W *= 0.001
    block.layer2.W *= 0.001
    output = block.forward(x)
    result["identity"] = {"input_norm": norm(x), "output_norm": norm(output), "identity_error": norm(output - x)}
    result["depth"] = []
    for d in depths:
        plain_net = PlainNetwork(input_size, hidden_size, d)
        resnet = ResidualNetwork(input_size, hidden_size, d)
        plain = measure_gradient_flow(plain_net, input_size)
        residual = measure_gradient_flow(resnet, input_size)
        ratios = [plain[0] / (plain[-1] + 1e-10), residual[0] / (residual[-1] + 1e-10)]
        result["depth"].append({"depth": d, "plain": ratios[0], "residual": ratios[1],
                                "improvement": ratios[0] / ratios[1]})
    return result


def random_numbers():
    """The generator by itself: some seeds, uniform and normal numbers in turn."""
    found = []
    for seed in (0, 1, 42, 2**31, 2**32 - 1):
        state = np.random.RandomState(seed)
        found.append({"seed": seed, "normal": state.randn(5).tolist(), "uniform": state.random_sample(4).tolist(),
                      "after": state.randn(1002).tolist()[-3:]})
    return found


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent)
    files = {"notebook_default": notebook(42, 16, 10, [5, 10, 20, 30, 40], 30),
             "notebook_received": notebook(42, 36, 28, [5, 20, 20, 30, 49], 35),
             "numpy_random": random_numbers()}
    for name, value in files.items():
        (folder / f"{name}.json").write_text(json.dumps(value) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
