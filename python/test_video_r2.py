"""Tests of the reward client and of the ms-swift plugin: `python -m unittest discover python`.

The client talks to a real server on a real socket. The plugin is tested in ms-swift where that is installed, else in
stand-ins for the five names that it uses of it.
"""

import asyncio
import importlib
import json
import sys
import threading
import time
import types
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from video_r2_rewards import RewardClient, RewardError, items_of


class Server:
    """Answers as `script` says: a function of the request's number and body that gives a status and a body."""

    def __init__(self, script=None):
        self.seen = []
        self.headers = []
        outer = self
        script = script or (lambda number, body: (200, answers(body)))

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.seen.append(body)
                outer.headers.append(dict(self.headers))
                status, reply = script(len(outer.seen), body)
                if status is None:
                    self.connection.close()
                    return
                data = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                if status == 429:
                    self.send_header("retry-after", "0.01")
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # A connection that is cut on purpose is no news.
        self.server.handle_error = lambda *_: None
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1/rewards"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def answers(body):
    """The accuracy is the number in the completion, so that a swapped one shows."""
    return {
        "results": [
            {"id": item["id"], "rewards": {"accuracy": float(item["completion"]), "format": 1, "tar": None}}
            for item in reversed(body["items"])
        ]
    }


def items(*numbers):
    return [{"id": f"i{n}", "completion": str(n), "question": "?", "row": {"solution": "A"}} for n in numbers]


def client(server, **more):
    return RewardClient(server.url, timeout=5, pause=0.001, **more)


class Client(unittest.TestCase):
    def test_gives_each_completion_its_own(self):
        with Server() as server:
            found = client(server, token="s").score(items(3, 1, 2), step=7)
            self.assertEqual(found["i3"], {"accuracy": 3.0, "format": 1.0, "tar": None})
            self.assertEqual(found["i1"]["accuracy"], 1.0)
            self.assertEqual(server.seen[0]["step"], 7)
            self.assertEqual({k.lower(): v for k, v in server.headers[0].items()}["authorization"], "Bearer s")
            self.assertEqual(client(server).score([]), {})
            self.assertEqual(len(server.seen), 1)

    def test_asks_again_with_the_same_ids(self):
        replies = {1: (503, {"error": {"message": "starting"}}), 2: (None, None), 3: (429, {}), 4: (200, b"half {")}
        with Server(lambda number, body: replies.get(number, (200, answers(body)))) as server:
            found = client(server).score(items(5))
            self.assertEqual(found["i5"]["accuracy"], 5.0)
            self.assertEqual([body["items"][0]["id"] for body in server.seen], ["i5"] * 5)

    def test_keeps_to_its_policy_when_nobody_answers(self):
        with Server(lambda number, body: (500, {"error": {"message": "broken"}})) as server:
            self.assertEqual(client(server, retries=1).score(items(1))["i1"], {"accuracy": None, "format": None, "tar": None})
            self.assertEqual(len(server.seen), 2)
            zero = client(server, retries=0, on_failure="zero").score(items(1))["i1"]
            self.assertEqual(zero, {"accuracy": 0.0, "format": 0.0, "tar": 0.0})
            with self.assertRaisesRegex(RewardError, "HTTP 500: broken, after 1 tries"):
                client(server, retries=0, on_failure="raise").score(items(1))

    def test_does_not_repeat_what_is_refused(self):
        with Server(lambda number, body: (422, {"error": {"message": "items.0.row: must have solution"}})) as server:
            with self.assertRaisesRegex(RewardError, "must have solution"):
                client(server, on_failure="zero").score(items(1))
            self.assertEqual(len(server.seen), 1)

    def test_does_not_wait_for_ever(self):
        with Server(lambda number, body: (time.sleep(1), (200, answers(body)))[1]) as server:
            begun = time.monotonic()
            slow = RewardClient(server.url, timeout=0.1, retries=1, pause=0.001)
            self.assertIsNone(slow.score(items(1))["i1"]["accuracy"])
            self.assertLess(time.monotonic() - begun, 0.9)

    def test_says_what_is_wrong_with_its_settings(self):
        with self.assertRaisesRegex(ValueError, "VIDEO_R2_REWARD_URL"):
            RewardClient.from_env({})
        with self.assertRaisesRegex(ValueError, "on_failure"):
            RewardClient("http://x/v1/rewards", on_failure="ignore")
        with self.assertRaisesRegex(ValueError, "different ids"):
            RewardClient("http://x/v1/rewards").score(items(1, 1))
        made = RewardClient.from_env({"VIDEO_R2_REWARD_URL": "http://x/v1/rewards", "VIDEO_R2_REWARD_RETRIES": "2"})
        self.assertEqual((made.retries, made.on_failure), (2, "null"))

    def test_takes_columns_as_rows(self):
        made = items_of(
            ["a", "b"],
            {
                "request_id": ["r1", "r2"],
                "prompt_id": ["p", "p"],
                "messages": [[{"role": "user", "content": "<video>Which?"}, {"role": "assistant", "content": "a"}]] * 2,
                "solution": ["A", "B"],
                "temporal_grounding": ['{"00:01": "x"}', None],
                "videos": [["v"], ["v"]],
                "finish_reason": ["stop", "length"],
                "trainer_state": object(),
                "shared": "no list",
            },
        )
        self.assertEqual(made[0]["question"], "Which?")
        self.assertEqual(made[0]["row"], {"solution": "A", "temporal_grounding": '{"00:01": "x"}', "finish_reason": "stop"})
        self.assertEqual(made[1]["row"], {"solution": "B", "finish_reason": "length"})
        self.assertEqual((made[1]["id"], made[1]["prompt_id"]), ("r2", "p"))


def stand_ins():
    """The names of ms-swift that the plugin uses, where it is not installed."""
    modules = {name: types.ModuleType(name) for name in (
        "swift", "swift.rewards", "swift.template", "swift.template.templates", "swift.template.templates.qwen",
        "transformers",
    )}

    class AsyncORM:
        def __init__(self, args=None):
            self.args = args

    class Qwen2VLTemplate:
        video_token_id = 151656
        image_token_id = 151655

        def init_processor(self, processor):
            self.config = processor.config

        def prepare_generate_kwargs(self, generate_kwargs, *, model=None):
            return generate_kwargs

    class Qwen2_5VLTemplate(Qwen2VLTemplate):
        is_training = False

        def _data_collator(self, batch, *, padding_to=None):
            return {"position_ids": 1, "input_ids": batch}

    modules["swift.rewards"].AsyncORM = AsyncORM
    modules["swift.rewards"].orms = {}
    modules["swift.template.templates.qwen"].Qwen2VLTemplate = Qwen2VLTemplate
    modules["swift.template.templates.qwen"].Qwen2_5VLTemplate = Qwen2_5VLTemplate
    modules["transformers"].__version__ = "4.57.6"
    return modules


class Plugin(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        try:
            importlib.import_module("swift.rewards")
        except ImportError:
            sys.modules.update(stand_ins())
        cls.plugin = importlib.import_module("video_r2_swift")
        cls.orms = importlib.import_module("swift.rewards").orms

    def ask(self, server, completions, step, **columns):
        self.plugin._client = RewardClient(server.url, timeout=5, pause=0.001)
        rewards = [self.orms[name](args=None) for name in ("vr2_accuracy", "vr2_format", "vr2_tar")]
        state = types.SimpleNamespace(global_step=step)

        async def together():
            return await asyncio.gather(*(one(completions, trainer_state=state, **columns) for one in rewards))

        return asyncio.run(together())

    def test_asks_once_for_a_batch_and_keeps_the_order(self):
        with Server() as server:
            found = self.ask(server, ["3", "1"], 1, request_id=["a", "b"], solution=["A", "B"])
            self.assertEqual(found, [[3.0, 1.0], [1.0, 1.0], [None, None]])
            self.assertEqual(len(server.seen), 1)
            # Another batch is asked about anew, also of the same requests.
            self.ask(server, ["3", "1"], 2, request_id=["a", "b"], solution=["A", "B"])
            self.assertEqual(len(server.seen), 2)

    def test_mends_position_ids_for_rollouts_only(self):
        module = importlib.import_module("swift.template.templates.qwen")
        if not hasattr(module.Qwen2_5VLTemplate, "is_training") or "swift.template.base" in sys.modules:
            self.skipTest("the real template needs a model; scripts/swift-smoke.ts runs it")
        template = module.Qwen2_5VLTemplate()
        self.assertNotIn("position_ids", template._data_collator([]))
        template.is_training = True
        self.assertIn("position_ids", template._data_collator([]))
        template.init_processor(types.SimpleNamespace(config=types.SimpleNamespace(video_token_id=7, image_token_id=6)))
        self.assertEqual((template.video_token_id, template.image_token_id), (7, 6))
        given = template.prepare_generate_kwargs({"generation_config": types.SimpleNamespace()})
        self.assertEqual(given["generation_config"].suppress_tokens, [6, 7])


if __name__ == "__main__":
    unittest.main()
