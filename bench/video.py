"""The Python side of bench/video.ts: the same frames with decord and torchcodec, resized and drawn.

Usage: python bench/video.py FILE ROUNDS FRAMES WIDTH HEIGHT FONT
Prints one JSON line per reader: {"reader", "version", "seconds": [...], "cpuSeconds": [...], "sum"}.
Settings are the fastest each offers on two cores: two decoder threads, and for torchcodec the approximate seek
mode, which trusts the container's index.
"""

import json
import sys
import time

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as F

path, rounds, count, width, height, font_path = sys.argv[1:7]
rounds, count, width, height = int(rounds), int(count), int(width), int(height)
torch.set_num_threads(2)
font_size = max(16, min(72, int(min(width, height) * 0.05)))
font = ImageFont.truetype(font_path, font_size)


def draw(frames, seconds):
    """Resizes all frames at once as qwen-vl-utils does, then draws the time on each."""
    resized = F.resize(frames, [height, width], interpolation=InterpolationMode.BICUBIC, antialias=True)
    out = []
    for frame, second in zip(resized, seconds):
        array = frame.permute(1, 2, 0).contiguous().numpy()
        corner = array[:40, :200].reshape(-1, 3).mean(0)
        dark = corner @ np.array([0.299, 0.587, 0.114]) < 80
        red = corner[0] > 120 and corner[0] - max(corner[1], corner[2]) > 40
        image = Image.fromarray(array)
        whole = int(second)
        text = f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
        margin = max(5, font_size // 4)
        ImageDraw.Draw(image).text((margin, margin), text, font=font, fill="white" if dark or red else "red",
                                   stroke_width=max(1, font_size // 12), stroke_fill="black")
        out.append(np.asarray(image))
    return out


def with_decord():
    from decord import VideoReader, cpu

    reader = VideoReader(path, ctx=cpu(0), num_threads=2)
    indices = torch.linspace(0, len(reader) - 1, count).round().long().tolist()
    frames = torch.from_numpy(reader.get_batch(indices).asnumpy()).permute(0, 3, 1, 2)
    return draw(frames, [i / reader.get_avg_fps() for i in indices])


def with_torchcodec():
    from torchcodec.decoders import VideoDecoder

    decoder = VideoDecoder(path, num_ffmpeg_threads=2, seek_mode="approximate")
    indices = torch.linspace(0, decoder.metadata.num_frames - 1, count).round().long().tolist()
    batch = decoder.get_frames_at(indices)
    return draw(batch.data, batch.pts_seconds.tolist())


for name, run in (("decord", with_decord), ("torchcodec", with_torchcodec)):
    try:
        module = __import__(name)
        seconds, cpu_seconds = [], []
        for _ in range(rounds):
            start, start_cpu = time.perf_counter(), time.process_time()
            frames = run()
            seconds.append(time.perf_counter() - start)
            cpu_seconds.append(time.process_time() - start_cpu)
        total = int(sum(int(f.sum(dtype=np.int64)) for f in frames))
        print(json.dumps({"reader": name, "version": getattr(module, "__version__", "?"), "frames": len(frames),
                          "seconds": seconds, "cpuSeconds": cpu_seconds, "sum": total}), flush=True)
    except Exception as error:  # a reader that is not installed is reported, not hidden
        print(json.dumps({"reader": name, "error": f"{type(error).__name__}: {error}"}), flush=True)
