"""Pictures a second through one ONNX graph by Python's onnxruntime.

encode.py MODEL BATCH SIDE THREADS SECONDS prints {"pictures_per_s": N, "version": V}.
"""

import json
import sys
import time

import numpy
import onnxruntime


def main(model, batch, side, threads, seconds):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    pictures = numpy.random.default_rng(1).integers(0, 256, (batch, side, side, 3), dtype=numpy.uint8)
    for _ in range(3):
        session.run(None, {name: pictures})
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        session.run(None, {name: pictures})
        count += batch
    print(json.dumps({"pictures_per_s": count / (time.perf_counter() - began), "version": onnxruntime.__version__}))


if __name__ == "__main__":
    main(sys.argv[1], *(int(text) for text in sys.argv[2:5]), float(sys.argv[5]))
