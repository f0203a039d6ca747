"""Checks from Python that what `video-r2 export` writes gives the in-process runtime's logits and tokens, by onnxruntime
and nothing of ours but examples/onnx_generate.py: the model of the package on a real video, with weights of 32 and 16 bits,
and a random checkpoint whose output is not tied to its embeddings.

    pip install numpy onnxruntime safetensors
    python scripts/check-onnx.py

Prints the largest differences and exits 1 where a token differs, or a logit by more than 2e-5 of the largest. Both compute in
float32; sums are of other sizes and cosines of another library.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime
from safetensors.numpy import load_file

ROOT = pathlib.Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "examples"))
from onnx_generate import OnnxQwen  # noqa: E402

print(f"onnxruntime {onnxruntime.__version__}")
failed = False
with tempfile.TemporaryDirectory() as out:
    subprocess.run([ROOT / "node_modules" / ".bin" / "tsx", ROOT / "scripts" / "onnx-roundtrip.ts", out], check=True)
    for name in ("builtin", "builtin16", "tiny"):
        folder = pathlib.Path(out) / name
        expected = load_file(folder / "expected.safetensors")
        ids, grid = expected["ids"].astype(int).tolist(), expected["grid"].astype(int).tolist()
        model = OnnxQwen(folder / "onnx")
        positions, _ = model.positions(ids, [grid], [float(expected["seconds"][0])])
        assert np.array_equal(positions.reshape(-1), expected["positions"].astype(int)), "positions differ"
        chosen, worst = [], 0.0
        for wanted, (token, logits) in zip(expected["logits"], model.generate(ids, [(expected["pixels"], grid, float(expected["seconds"][0]))], len(expected["chosen"]))):
            chosen.append(token)
            worst = max(worst, float(np.abs(logits - wanted).max() / np.abs(wanted).max()))
        # A sequence that ended is not gone on with here.
        same = chosen == expected["chosen"].astype(int).tolist()[: len(chosen)]
        ended = len(chosen) == len(expected["chosen"]) or chosen[-1] in model.manifest["tokens"]["eos_token_id"]
        bad = not (same and ended and worst < 2e-5)
        failed |= bad
        print(f"{name}: {len(ids)} tokens read, {len(chosen)} generated, {'all the same' if same else 'not the same'}; "
              f"logits differ by at most {worst:.1e} of the largest{'  FAILED' if bad else ''}")
sys.exit(failed)
