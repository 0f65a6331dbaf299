#!/usr/bin/python3
"""measure_pytorch.py MODE MODEL PRECISION BATCH THREADS SECONDS: one measurement in a process of its own, warmed up and
repeated as `resnet bench` does; prints one JSON object. Training: channels_last tensors, in bf16 under autocast with
weights in fp32, SGD with Nesterov momentum and weight decay. Inference: the traced, frozen and optimised module."""

import json
import resource
import statistics
import sys
import time

sys.dont_write_bytecode = True  # the source tree stays clean
import torch  # noqa: E402
import torch_networks  # noqa: E402


def training_step(net, images, labels, low):
    net.train()
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9, weight_decay=5e-4, nesterov=True)
    loss_of = torch.nn.CrossEntropyLoss()

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=low):
            loss = loss_of(net(images), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def inference_step(net, images, low):
    net.eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=low, cache_enabled=False):
        module = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(net, images, check_trace=False)))

    def step():
        with torch.no_grad():
            return module(images)

    return step


def timed(step):
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def main():
    mode, model, precision = sys.argv[1:4]
    batch, threads, seconds = int(sys.argv[4]), int(sys.argv[5]), float(sys.argv[6])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    net, side, classes = torch_networks.network(model)
    net = net.to(memory_format=torch.channels_last)
    images = torch.rand(batch, 3, side, side).mul_(4).sub_(2).to(memory_format=torch.channels_last)
    low = precision == "bf16"
    labels = torch.arange(batch) % classes
    step = training_step(net, images, labels, low) if mode == "train" else inference_step(net, images, low)
    warm, count = 0.0, 0
    while count < 2 or warm < seconds / 10:
        warm, count = warm + timed(step), count + 1
    times = []
    while sum(times) < seconds or len(times) < 5:
        times.append(timed(step))
    print(json.dumps({"steps": len(times), "seconds": statistics.median(times),
                      "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
