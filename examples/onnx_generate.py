"""Answers a question about frames with the files of `video-r2 export`, by ONNX Runtime.

    pip install numpy onnxruntime                                   # the model
    pip install transformers torch torchvision pillow               # frames to pixels, text to tokens
    python onnx_generate.py FOLDER "Which shape appears first?" frame-1.png frame-2.png ... --fps 2

`OnnxQwen` needs NumPy and onnxruntime only; README.json in FOLDER says what it does step by step.
"""

import argparse
import json
import pathlib

import numpy as np
import onnxruntime


class OnnxQwen:
    """An exported model and the cache of one sequence."""

    def __init__(self, folder, providers=("CPUExecutionProvider",)):
        self.folder = pathlib.Path(folder)
        self.manifest = json.loads((self.folder / "README.json").read_text())
        self.providers = list(providers)
        self.sessions = {}
        self.clear()

    def clear(self):
        """Empties the cache."""
        model, sizes = self.manifest["model"], self.manifest["sizes"]
        shape = (1, model["key_value_heads"], sizes["capacity"], model["head_dim"])
        self.past = {f"{i}.{part}": np.zeros(shape, np.float32) for i in range(model["layers"]) for part in ("key", "value")}
        self.length = 0

    def run(self, file, inputs):
        if file not in self.sessions:
            self.sessions[file] = onnxruntime.InferenceSession(self.folder / file, providers=self.providers)
        session = self.sessions[file]
        return dict(zip([output.name for output in session.get_outputs()], session.run(None, inputs)))

    def see(self, pixel_values, grid):
        """The tokens of one video: pixel_values_videos and a row of video_grid_thw, as transformers' processor gives them."""
        time, height, width = map(int, grid)
        file = next((f["file"] for f in self.manifest["frames"] if f["grid"][1:] == [height, width]), None)
        if file is None:
            patch = self.manifest["processor"]["patch_size"]
            raise ValueError(f"no vision tower for frames of {width * patch}x{height * patch}: export again with --frame")
        patches = np.asarray(pixel_values, np.float32).reshape(time, height * width, -1)
        return np.concatenate([self.run(file, {"pixel_values": rows})["video_embeds"] for rows in patches])

    def positions(self, ids, grids, seconds):
        """Time, height and width positions [3, S] of a prompt, and the position of the token after it."""
        settings, pad = self.manifest["positions"], self.manifest["tokens"]["video_token_id"]
        columns, start, at = [], 0, 0
        for (time, height, width), each in zip(grids, seconds):
            height, width = height // settings["merge_size"], width // settings["merge_size"]
            first = ids.index(pad, at)
            columns.append(np.tile(np.arange(start, start + first - at), (3, 1)))
            start += first - at
            t, y, x = np.indices((time, height, width)).reshape(3, -1)
            columns.append(start + np.stack([(t * int(each) * settings["tokens_per_second"]).astype(int), y, x]))
            start, at = columns[-1].max() + 1, first + time * height * width
        columns.append(np.tile(np.arange(start, start + len(ids) - at), (3, 1)))
        positions = np.concatenate(columns, 1)
        return positions, int(positions.max()) + 1

    def read(self, ids, positions, video):
        """Reads a prompt whose placeholders the tokens of its videos replace; logits of the token after it."""
        size, pad = self.manifest["sizes"]["prefill"], self.manifest["tokens"]["video_token_id"]
        ids, seen = np.asarray(ids, np.int32), 0
        for start in range(0, len(ids), size):
            piece = ids[start : start + size]
            rest = size - len(piece)
            embeds = self.run("embed.onnx", {"input_ids": np.pad(piece, (0, rest))[None]})["inputs_embeds"]
            places = np.flatnonzero(piece == pad)
            embeds[0, places] = video[seen : seen + len(places)]
            seen += len(places)
            inputs = {
                "inputs_embeds": embeds,
                "length": np.array([len(piece)], np.int32),
                "position_ids": np.pad(positions[:, start : start + size], ((0, 0), (0, rest)))[:, None].astype(np.int32),
            }
            logits = self.advance("prefill.onnx", inputs, len(piece))
        return logits

    def step(self, token, position):
        """Reads one more token; logits of the token after it."""
        inputs = {"input_ids": np.array([[token]], np.int32), "position_ids": np.full((3, 1, 1), position, np.int32)}
        return self.advance("decode.onnx", inputs, 1)

    def advance(self, file, inputs, count):
        past = {f"past_key_values.{name}": value for name, value in self.past.items()}
        outputs = self.run(file, {**inputs, **past, "past_length": np.array([self.length], np.int32)})
        for name, value in self.past.items():
            value[:, :, self.length : self.length + count] = outputs[f"present.{name}"][:, :, :count]
        self.length += count
        return outputs["logits"][0]

    def generate(self, ids, videos=(), most=512):
        """The likeliest tokens after a prompt, with their logits; `videos` are (pixel_values, grid, seconds a temporal patch)."""
        self.clear()
        positions, position = self.positions(list(ids), [grid for _, grid, _ in videos], [each for _, _, each in videos])
        none = np.zeros((0, self.manifest["model"]["hidden_size"]), np.float32)
        logits = self.read(ids, positions, np.concatenate([none, *(self.see(pixels, grid) for pixels, grid, _ in videos)]))
        for count in range(most):
            token = int(np.argmax(logits))
            yield token, logits
            if token in self.manifest["tokens"]["eos_token_id"] or count + 1 == most or self.length == self.manifest["sizes"]["capacity"]:
                return
            logits = self.step(token, position + count)


def main():
    from PIL import Image
    from transformers import AutoProcessor

    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("question")
    parser.add_argument("frames", nargs="+", help="pictures of one size, in their order")
    parser.add_argument("--fps", type=float, default=2, help="frames a second")
    arguments = parser.parse_args()
    processor = AutoProcessor.from_pretrained(arguments.folder)
    frames = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in arguments.frames])
    content = [{"type": "video"}, {"type": "text", "text": arguments.question}]
    text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False)
    inputs = processor(text=[text], videos=[frames], fps=arguments.fps, return_tensors="pt")
    model = OnnxQwen(arguments.folder)
    video = (inputs["pixel_values_videos"].numpy(), inputs["video_grid_thw"][0].tolist(), float(inputs["second_per_grid_ts"][0]))
    tokens = [token for token, _ in model.generate(inputs["input_ids"][0].tolist(), [video])]
    print(processor.tokenizer.decode(tokens, skip_special_tokens=True))


if __name__ == "__main__":
    main()
