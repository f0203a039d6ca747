"""Client of a video-r2 reward server (`video-r2 serve rewards`). Standard library only.

    client = RewardClient("http://127.0.0.1:8765/v1/rewards")
    client.score([{"id": "1", "completion": "<think>...", "question": "...", "row": {"solution": "B"}}])
    # {"1": {"accuracy": 1.0, "format": 1.0, "tar": None}}

A request that fails is sent again with the same ids, so that a server that had already answered it answers from
memory. What happens when it fails for good is the caller's policy: see `RewardClient`.
"""

from __future__ import annotations

import json
import logging
import os
import random
import socket
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence

logger = logging.getLogger("video_r2")

POLICIES = ("null", "zero", "raise")
NAMES = ("accuracy", "format", "tar")

Rewards = Dict[str, Optional[float]]


class RewardError(RuntimeError):
    """The server could not be asked, or refused the request."""


@dataclass
class RewardClient:
    """Asks a reward server.

    url: up to and with `/v1/rewards`.
    token: sent as `Authorization: Bearer`.
    timeout: seconds for one try; the server is told to answer within it.
    retries: tries after the first, for cut connections, timeouts, 408, 429 and 5xx.
    pause: seconds before the second try, doubled for each further one, or what `Retry-After` says; at most 30.
    on_failure: what a reward is that cannot be had, also where the server says null: `null` (None, which trainers
        leave out of the sum), `zero`, or `raise` (for a failed request; nulls stay None).
    """

    url: str
    token: Optional[str] = None
    timeout: float = 60.0
    retries: int = 6
    pause: float = 0.5
    on_failure: str = "null"
    _random: random.Random = field(default_factory=lambda: random.Random(0), repr=False)

    def __post_init__(self) -> None:
        if self.on_failure not in POLICIES:
            raise ValueError(f"on_failure: must be one of {', '.join(POLICIES)}, got {self.on_failure!r}")
        if not self.url.startswith(("http://", "https://")):
            raise ValueError(f"url: must begin with http:// or https://, got {self.url!r}")

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "RewardClient":
        """From VIDEO_R2_REWARD_URL, and where they are set _TOKEN, _TIMEOUT, _RETRIES and _ON_FAILURE."""
        url = env.get("VIDEO_R2_REWARD_URL")
        if not url:
            raise ValueError("VIDEO_R2_REWARD_URL: must be the address of a reward server, is not set")
        return cls(
            url,
            token=env.get("VIDEO_R2_REWARD_TOKEN") or None,
            timeout=float(env.get("VIDEO_R2_REWARD_TIMEOUT", 60)),
            retries=int(env.get("VIDEO_R2_REWARD_RETRIES", 6)),
            on_failure=env.get("VIDEO_R2_REWARD_ON_FAILURE", "null"),
        )

    def score(self, items: Sequence[Mapping[str, Any]], step: Optional[int] = None) -> Dict[str, Rewards]:
        """Rewards by the items' ids. Each item has `id`, `completion`, `question` and `row`.

        Raises RewardError where the request failed for good and the policy is `raise`; a request that the server
        refuses (4xx) always raises, since no further try can help.
        """
        if not items:
            return {}
        ids = [str(item["id"]) for item in items]
        if len(set(ids)) != len(ids):
            raise ValueError("items: must have different ids")
        body = json.dumps({"step": step, "deadline_seconds": self.timeout * 0.9, "items": list(items)}).encode()
        try:
            found = self._post(body)
        except RewardError as error:
            if self.on_failure == "raise" or getattr(error, "refused", False):
                raise
            logger.warning("no rewards for %d completions: %s", len(items), error)
            found = {}
        missing = None if self.on_failure != "zero" else 0.0
        rewards: Dict[str, Rewards] = {}
        for key in ids:
            given = found.get(key, {})
            rewards[key] = {name: missing if given.get(name) is None else float(given[name]) for name in NAMES}
        return rewards

    def _post(self, body: bytes) -> Dict[str, Dict[str, Any]]:
        last = "nothing was tried"
        for attempt in range(self.retries + 1):
            try:
                return self._once(body)
            except urllib.error.HTTPError as error:
                last = f"HTTP {error.code}: {_said(error)}"
                if error.code not in (408, 425, 429) and error.code < 500:
                    refused = RewardError(f"{self.url} refused the request: {last}")
                    refused.refused = True  # type: ignore[attr-defined]
                    raise refused from error
                after = _seconds(error.headers.get("Retry-After"))
            except (OSError, socket.timeout, json.JSONDecodeError, KeyError, TypeError) as error:
                last, after = f"{type(error).__name__}: {error}", None
            if attempt < self.retries:
                # Ranks that failed together do not come back together.
                wait = self.pause * 2**attempt * (0.75 + 0.5 * self._random.random())
                time.sleep(min(30.0, after if after is not None else wait))
        raise RewardError(f"{self.url}: {last}, after {self.retries + 1} tries")

    def _once(self, body: bytes) -> Dict[str, Dict[str, Any]]:
        headers = {"content-type": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(self.url, data=body, headers=headers, method="POST")
        with urllib.request.urlopen(request, timeout=self.timeout) as response:
            results = json.load(response)["results"]
        return {str(result["id"]): result["rewards"] for result in results}


def _said(error: urllib.error.HTTPError) -> str:
    text = error.read(2000).decode("utf-8", "replace")
    try:
        return str(json.loads(text)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return text[:200]


def _seconds(text: Optional[str]) -> Optional[float]:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None


def items_of(completions: Sequence[str], columns: Mapping[str, Any]) -> List[Dict[str, Any]]:
    """Items for `score` from what a trainer gives a reward function: completions, and columns of the same length.

    `request_id` names them (else their position), the last user's message is the question, and every other column
    that is a list of the right length becomes a field of the row; what belongs to the trainer is left out.
    """
    count = len(completions)
    ids = columns.get("request_id") or [str(i) for i in range(count)]
    rows: List[Dict[str, Any]] = [{} for _ in range(count)]
    for name, values in columns.items():
        if name in _RESERVED or not isinstance(values, list) or len(values) != count:
            continue
        for row, value in zip(rows, values):
            if value is not None:
                row[name] = value
    items = []
    for i, completion in enumerate(completions):
        item = {"id": str(ids[i]), "completion": completion, "question": _question(columns, i), "row": rows[i]}
        prompts = columns.get("prompt_id")
        if prompts:
            item["prompt_id"] = str(prompts[i])
        items.append(item)
    return items


_RESERVED = frozenset(
    "messages prompt_id request_id videos images audios response_token_ids rollout_infos is_truncated "
    "chat_template_kwargs trainer_state objects tools add_eos".split()
)


def _question(columns: Mapping[str, Any], i: int) -> str:
    messages = columns.get("messages")
    if not messages:
        return ""
    for message in reversed(messages[i]):
        if message.get("role") == "user":
            content = message.get("content")
            return content.replace("<video>", "").strip() if isinstance(content, str) else ""
    return ""
