"""Video-R2's rewards for ms-swift: `--external_plugins video_r2_swift.py --reward_funcs vr2_accuracy vr2_format vr2_tar`.

The rewards come from a video-r2 reward server, one request for each batch of a rank, whichever of the three is asked
first. VIDEO_R2_REWARD_URL names the server; video_r2_rewards.py, beside this file, has the other settings.

It also mends three things of ms-swift 4.5 (docs/swift.md):
- on transformers 4, rollouts without vLLM get position ids that `generate` cannot take;
- checkpoints with a vocabulary of their own have other ids for <|image_pad|> and <|video_pad|> than Qwen's;
- rollouts without vLLM may hold these tokens, for which there are no pixels.
"""

from __future__ import annotations

import asyncio
from typing import Any, Dict, List, Optional, Tuple

import transformers
from swift.rewards import AsyncORM, orms
from swift.template.templates.qwen import Qwen2_5VLTemplate, Qwen2VLTemplate
from video_r2_rewards import RewardClient, Rewards, items_of

_client: Optional[RewardClient] = None
# The batch that is asked about now: a rank has one at a time.
_asked: Tuple[Any, "asyncio.Task[Dict[str, Rewards]] | None"] = (None, None)


def _rewards_of(completions: List[str], columns: Dict[str, Any]) -> "asyncio.Task[Dict[str, Rewards]]":
    """One request for a batch, however many rewards are asked for."""
    global _client, _asked
    if _client is None:
        _client = RewardClient.from_env()
    loop = asyncio.get_running_loop()
    step = getattr(columns.get("trainer_state"), "global_step", None)
    # The loop is kept in the key, not its id: another batch has another loop.
    key = (loop, step, tuple(str(one) for one in columns.get("request_id") or range(len(completions))))
    if _asked[0] != key:
        items = items_of(completions, columns)
        _asked = (key, loop.create_task(asyncio.to_thread(_client.score, items, step)))
    return _asked[1]  # type: ignore[return-value]


class _Reward(AsyncORM):
    reward = ""

    async def __call__(self, completions: List[str], **columns: Any) -> List[Optional[float]]:
        found = await _rewards_of(completions, columns)
        ids = columns.get("request_id") or range(len(completions))
        return [found[str(one)][self.reward] for one in ids]


class Accuracy(_Reward):
    """Whether the answer is right."""

    reward = "accuracy"


class Format(_Reward):
    """Whether reasoning and answer stand in their tags."""

    reward = "format"


class TemporalAlignment(_Reward):
    """TAR, behind the consistency gate as the server is set."""

    reward = "tar"


orms["vr2_accuracy"] = Accuracy
orms["vr2_format"] = Format
orms["vr2_tar"] = TemporalAlignment


def _mend_positions() -> None:
    """transformers 4 slices position ids in `generate`, which the collator's three rows do not survive."""
    if int(transformers.__version__.split(".")[0]) >= 5:
        return
    collate = Qwen2_5VLTemplate._data_collator

    def mended(self: Any, batch: List[Dict[str, Any]], *, padding_to: Optional[int] = None) -> Dict[str, Any]:
        collated = collate(self, batch, padding_to=padding_to)
        if not self.is_training:
            collated.pop("position_ids", None)
        return collated

    Qwen2_5VLTemplate._data_collator = mended


def _mend_media_tokens() -> None:
    """Takes the ids of media tokens from the checkpoint."""
    init = Qwen2VLTemplate.init_processor

    def mended(self: Any, processor: Any) -> None:
        init(self, processor)
        config = getattr(self, "config", None)
        for name in ("image_token_id", "video_token_id"):
            value = getattr(config, name, None)
            if value is not None:
                setattr(self, name, value)

    Qwen2VLTemplate.init_processor = mended


def _mend_rollouts() -> None:
    """A completion that holds a media token has no pixels to it, and ends the run: none is sampled, as by no sane model."""
    prepare = Qwen2VLTemplate.prepare_generate_kwargs

    def mended(self: Any, generate_kwargs: Dict[str, Any], *, model: Any = None) -> Dict[str, Any]:
        prepared = prepare(self, generate_kwargs, model=model)
        tokens = [self.image_token_id, self.video_token_id]
        size = getattr(getattr(self, "config", None), "vocab_size", None)
        prepared["generation_config"].suppress_tokens = [one for one in tokens if size is None or one < size]
        return prepared

    Qwen2VLTemplate.prepare_generate_kwargs = mended


_mend_positions()
_mend_media_tokens()
_mend_rollouts()
