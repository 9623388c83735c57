"""Trains the byte-level BPE tokenizer and turns dialogues into token ids."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Iterable, List, NamedTuple, Optional

from jinja2 import Environment
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from .chat_template import CHAT_TEMPLATE
from .dialogues import Dialogue

START, END, PAD = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
ANSWER_OPENING = f"{START}assistant\n"
QUESTION_OPENING = f"{START}user\n"
NO_SUBJECT = -1
WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

_template = Environment(autoescape=False).from_string(CHAT_TEMPLATE)


class Piece(NamedTuple):
    """A stretch of a rendered dialogue: an answer to learn, a question, or anything else."""

    text: str
    taught: bool = False
    subject: int = NO_SUBJECT


class Example(NamedTuple):
    """Token ids of a dialogue; for each, whether it is to be learned and what it asks about."""

    ids: List[int]
    taught: List[bool]
    subjects: List[int]


def render(dialogue: Dialogue) -> str:
    """The dialogue as the chat template writes it."""
    return _template.render(messages=dialogue.messages, tools=dialogue.tools, add_generation_prompt=False)


def train(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """A byte-level BPE whose words are split as in Qwen, digits one by one."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(WORDS), behavior="isolated")
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, bytes_only])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        special_tokens=[PAD, START, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def pieces(dialogue: Dialogue) -> List[Piece]:
    """The rendered dialogue, cut where learning starts and stops."""
    cut: List[Piece] = []
    turns = render(dialogue).split(ANSWER_OPENING)
    answers = [i for i, message in enumerate(dialogue.messages) if message["role"] == "assistant"]
    context = turns[0]
    for index, turn in zip(answers, turns[1:]):
        context += ANSWER_OPENING
        if index in dialogue.taught:
            answer, _, rest = turn.partition(END)
            before, opening, question = context.rpartition(QUESTION_OPENING)
            cut.append(Piece(before + opening))
            cut.append(Piece(question, subject=dialogue.taught[index]))
            cut.append(Piece(answer + END, taught=True))
            context = rest
        else:
            context += turn
    return cut


def encode(
    tokenizer: Tokenizer, rough: Tokenizer, dialogues: List[Dialogue], last_answer: Optional[int] = None
) -> List[Example]:
    """Token ids of many dialogues; prompts go through the `rough` tokenizer.

    The rough tokenizer drops merges at random, so that one word is seen in many spellings.
    With `last_answer`, the answer that ends a dialogue is cut to so many tokens.
    """
    cuts = [pieces(dialogue) for dialogue in dialogues]
    flat = [piece for cut in cuts for piece in cut]
    coded = {}
    for taught, coder in ((False, rough), (True, tokenizer)):
        texts = [piece.text for piece in flat if piece.taught is taught]
        coded[taught] = iter(coder.encode_batch(texts, add_special_tokens=False))
    examples = []
    for cut in cuts:
        example = Example([], [], [])
        for place, piece in enumerate(cut):
            ids = next(coded[piece.taught]).ids
            if piece.taught and place == len(cut) - 1:
                ids = ids[:last_answer]
            example.ids.extend(ids)
            example.taught.extend([piece.taught] * len(ids))
            example.subjects.extend([piece.subject] * len(ids))
        examples.append(example)
    return examples


def write(tokenizer: Tokenizer, folder: Path, max_length: int) -> None:
    """Writes tokenizer.json and tokenizer_config.json."""
    tokenizer.save(str(folder / "tokenizer.json"))
    special = {
        str(tokenizer.token_to_id(token)): {
            "content": token,
            "lstrip": False,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
            "special": True,
        }
        for token in (PAD, START, END)
    }
    config = {
        "added_tokens_decoder": special,
        "additional_special_tokens": [START, END],
        "add_bos_token": False,
        "bos_token": None,
        "chat_template": CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": False,
        "eos_token": END,
        "model_max_length": max_length,
        "pad_token": PAD,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "unk_token": None,
    }
    text = json.dumps(config, ensure_ascii=False, indent=2)
    (folder / "tokenizer_config.json").write_text(text + "\n", encoding="utf-8")
