"""Tiny tokenizers of the kinds that encoders use, trained on a few sentences of our own."""

import random

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

WORDS = (
    "Аскар Айгуль Ерлан Алматы Астана живет работает банк письмо завтра звонит отправить договор счёт клиент вчера "
    "Қазақстан қала көше үй бала мектеп жұмыс хат телефон ертең келді барды менің оның "
    "the river bank opens at nine Anna Smith lives in London query document answer search vector weather rain "
    "yes no and or of to contract invoice total payment city street house school letter phone number"
).split()


def sentence(rng: random.Random, count: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(count)).capitalize() + "."


def corpus() -> list[str]:
    rng = random.Random(11)
    return [sentence(rng, rng.randint(3, 12)) for _ in range(400)]


def wordpiece() -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(corpus(), trainers.WordPieceTrainer(vocab_size=260, special_tokens=special))
    tokenizer.post_processor = pair_template(tokenizer, "[CLS]", "[SEP]", second_type=1)
    tokenizer.decoder = decoders.WordPiece()
    return tokenizer


def pair_template(tokenizer: Tokenizer, begin: str, end: str, second_type: int) -> processors.TemplateProcessing:
    special = [(token, tokenizer.token_to_id(token)) for token in (begin, end)]
    pair = f"{begin} $A {end} $B:{second_type} {end}:{second_type}"
    return processors.TemplateProcessing(single=f"{begin} $A {end}", pair=pair, special_tokens=special)


def unigram_roberta() -> Tokenizer:
    tokenizer = unigram(["<s>", "<pad>", "</s>", "<unk>", "<mask>"], "<unk>")
    special = [(token, tokenizer.token_to_id(token)) for token in ("<s>", "</s>")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=special
    )
    return tokenizer


def unigram_deberta() -> Tokenizer:
    tokenizer = unigram(["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"], "[UNK]")
    tokenizer.post_processor = pair_template(tokenizer, "[CLS]", "[SEP]", second_type=1)
    return tokenizer


def unigram(special: list[str], unknown: str) -> Tokenizer:
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("\n", " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=260, special_tokens=special, unk_token=unknown)
    tokenizer.train_from_iterator(corpus(), trainer)
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


def byte_level(special: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet)
    # Each by itself, so that it becomes one token.
    tokenizer.train_from_iterator(corpus() + ["yes", "no"] * 200, trainer)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def byte_level_modern() -> Tokenizer:
    tokenizer = byte_level(["[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]"])
    tokenizer.post_processor = pair_template(tokenizer, "[CLS]", "[SEP]", second_type=0)
    return tokenizer


def byte_level_qwen() -> Tokenizer:
    tokenizer = byte_level(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in ("<think>", "</think>")])
    return tokenizer


def byte_level_qwen_embedding() -> Tokenizer:
    tokenizer = byte_level_qwen()
    end = "<|endoftext|>"
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {end}", pair=f"$A $B {end}", special_tokens=[(end, tokenizer.token_to_id(end))]
    )
    return tokenizer
