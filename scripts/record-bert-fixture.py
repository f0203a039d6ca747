"""Records test/fixtures/bert: a tiny random BERT sentence model and what transformers makes of it; and, given the
folder of all-MiniLM-L6-v2, test/fixtures/minilm.json: the cosines that sentence-transformers finds with it.

    pip install torch transformers==4.57.6 sentence-transformers==5.1.2 safetensors
    python scripts/record-bert-fixture.py [FOLDER_OF_ALL_MINILM_L6_V2]
"""

import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

OUT = pathlib.Path(__file__).parent.parent / "test" / "fixtures"
WORDS = "a the red blue car dog man woman stops runs left right halt comes to in at it is and cooks pan egg".split()
LETTERS = list("abcdefghijklmnopqrstuvwxyz0123456789.,!?'-")
TEXTS = [
    "a red car stops", "the red car comes to a halt", "A woman cooks an egg in the pan.", "", "  ", "dog",
    "Unknown: 日本語 and émigré naïve Ünïcode 🙂", "the man runs left, it is 12 o'clock!", "dog " * 60, "x" * 150,
]
LONG = "The camera pans over the market while a vendor arranges oranges in a pyramid. "
MINILM_TEXTS = [
    *TEXTS,
    "A black dog jumps over a fallen log.", "The dog leaps across the trunk.", "A man is cooking.", "Someone prepares food.",
    "The score changes to 3:2.", "Text on screen reads 'Gate B'.", "\u201cQuoted\u201d \u2013 dashes \u2014 and \u2026 dots",
    "MIXED Case Words", "numbers 1,234.56 and 7%", "e-mail: someone@example.com", "tab\tand\nnewline", "\u0000control\u0007",
    "\u4e2d\u6587\u5b57\u5e55", "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440", "\u0627\u0644\u0639\u0631\u0628\u064a\u0629", "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22", "\ud55c\uad6d\uc5b4 \uc790\ub9c9", "na\u00efve caf\u00e9 \u0130stanbul",
    "\ufb01ligature \u2460 \u00bd", "a\u0301 combining", "\U0001f600\U0001f3fd emoji \U0001f468\u200d\U0001f469\u200d\U0001f467", "[MASK] [SEP] words", "##hash under_score",
    "supercalifragilisticexpialidocious", "y" * 99, "y" * 101, "a", ".", "!!!", "it's they're don't", "U.S.A. vs. U.K.",
    "http://example.com/a?b=c", LONG * 5, LONG * 16, LONG * 17, LONG * 40, "word " * 253, "word " * 254, "word " * 255,
    "word " * 600, "A red circle appears on the left.", "A red square appears on the left.", "A blue circle appears on the right.",
    "The man opens the door.", "The man closes the door.", "The door is opened by a man.", "She pours milk into the bowl.",
    "Milk is added to a bowl.", "They celebrate a goal.", "The team scores.", "A violin solo begins.", "The credits roll.",
]


def tiny():
    folder = OUT / "bert"
    folder.mkdir(parents=True, exist_ok=True)
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, *(x for x in LETTERS if x not in WORDS)]
    vocab += ["##" + x for x in LETTERS]
    ids = {token: i for i, token in enumerate(vocab)}
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])])
    tokenizer.save(str(folder / "tokenizer.json"))
    torch.manual_seed(0)
    # Wide weights, so that every part of the network shows in the numbers.
    config = BertConfig(vocab_size=len(vocab), hidden_size=24, num_hidden_layers=2, num_attention_heads=3,
                        intermediate_size=40, max_position_embeddings=48, initializer_range=0.3)
    model = BertModel(config, add_pooling_layer=False).eval()
    for parameter in model.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(
        {**config.to_dict(), "architectures": ["BertModel"], "model_type": "bert"}, indent=1) + "\n")
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 40}) + "\n")
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]")
    batch = fast(TEXTS, padding=True, truncation=True, max_length=40, return_tensors="pt")
    with torch.no_grad():
        hidden = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1).float()
    vectors = torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1), dim=-1)
    (folder / "expected.json").write_text(json.dumps({"texts": TEXTS, "vectors": vectors.tolist()}) + "\n")


def minilm(folder):
    import sentence_transformers
    model = sentence_transformers.SentenceTransformer(folder, device="cpu")
    vectors = torch.tensor(model.encode(MINILM_TEXTS, normalize_embeddings=True))
    # Each text beside four others: enough to place its vector, small enough to keep.
    n = len(MINILM_TEXTS)
    pairs = [[i, (i * k + k) % n] for i in range(n) for k in (1, 3, 7, 11)]
    cosines = [round(float(vectors[i] @ vectors[j]), 7) for i, j in pairs]
    (OUT / "minilm.json").write_text(json.dumps({
        "versions": {"sentence_transformers": sentence_transformers.__version__, "torch": torch.__version__},
        "texts": MINILM_TEXTS, "pairs": pairs, "cosines": cosines,
        "starts": [[round(x, 7) for x in v[:6].tolist()] for v in vectors]}) + "\n")


tiny()
if len(sys.argv) > 1:
    minilm(sys.argv[1])
