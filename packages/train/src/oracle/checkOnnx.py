"""Checks exported files with the ONNX project's own checker, shapes included, and prints what is in them.

    apt-get install python3-onnx        (1.12: up to opset 17)
    python3 checkOnnx.py FILE.onnx...
"""
import collections
import sys

import onnx

for path in sys.argv[1:]:
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, strict_mode=True)
    operators = collections.Counter(node.op_type for node in model.graph.node)
    print(f"{path}: valid, opset {model.opset_import[0].version}; {dict(operators)}; {[p.key for p in model.metadata_props]}")
