"""The classifier's tokenizer: pairs of letters merged inside words (BPE), capitals kept, all digits alike.

What nobody sees (zero-width characters, soft hyphens) is left out and compatible forms are one (NFKC), as in the
detector's own view of a text; offsets still say where a token stands in the text as it came.
"""

from __future__ import annotations

from typing import Iterable, Iterator, List, Tuple

from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer

from .examples import UNTAUGHT, Example

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
INVISIBLE = Regex("[\\x{200b}-\\x{200f}\\x{2060}\\x{feff}\\x{00ad}]")
IGNORED = -100
LABELS = ("O", "B-PER", "I-PER", "B-ADDRESS", "I-ADDRESS")


def train(examples: Iterable[Example], vocab_size: int) -> Tokenizer:
    """A tokenizer for texts like these."""
    tokenizer = Tokenizer(BPE(unk_token="[UNK]", continuing_subword_prefix="##"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Replace(INVISIBLE, ""), normalizers.NFKC(), normalizers.Replace(Regex("[0-9]"), "0")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = BpeTrainer(
        vocab_size=vocab_size, special_tokens=SPECIAL, continuing_subword_prefix="##", min_frequency=3,
        limit_alphabet=400, show_progress=False,
    )  # fmt: skip
    tokenizer.train_from_iterator(("".join(piece.text for piece in example) for example in examples), trainer)
    around = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=around
    )
    return tokenizer


def encode(tokenizer: Tokenizer, example: Example, max_tokens: int) -> Tuple[List[int], List[int]]:
    """Ids and labels of an example's tokens, those around it included; what is too long is cut."""
    text = "".join(piece.text for piece in example)
    owners: List[int] = []
    for number, piece in enumerate(example):
        owners += [number] * len(piece.text)
    encoding = tokenizer.encode(text)
    ids, labels, last = encoding.ids[:max_tokens], [], -1
    for (start, end), special in zip(encoding.offsets, encoding.special_tokens_mask):
        if special or end <= start:
            labels.append(IGNORED)
            continue
        labelled = [owner for owner in owners[start:end] if example[owner].label]
        owner = labelled[0] if labelled else owners[start]
        label = example[owner].label
        if label is None:
            labels.append(0)
        elif label == UNTAUGHT:
            labels.append(IGNORED)
        else:
            labels.append(LABELS.index(f"I-{label}" if owner == last else f"B-{label}"))
        last = owner
    return ids, labels[:max_tokens]


def stream(tokenizer: Tokenizer, examples: Iterator[Example], max_tokens: int) -> Iterator[Tuple[List[int], List[int]]]:
    """Encoded examples that have something to teach."""
    for example in examples:
        ids, labels = encode(tokenizer, example, max_tokens)
        if any(label != IGNORED for label in labels):
            yield ids, labels
