#!/usr/bin/env python3
"""Makes a tiny random Whisper, a short sound in several formats, and what transformers says the one hears in the other.

The folder is what `save_pretrained` writes, in bf16, with a byte-level tokenizer trained on a few sentences of ours. The
sound is made of seeded tones and noise. `golden.json` holds frames of `WhisperFeatureExtractor`, log probabilities of a
given text, and greedy text with and without times, of one window and of several, computed in float32. Greedy decoding is
a loop over transformers' own logits processors; for a single window it is checked against `generate`. Cutting a window's
tokens into segments is OpenAI's published rule, written here anew. The seed of the weights is the first with which no
window would be tried again at a higher temperature. Needs torch, transformers 5.24 or later, and soundfile.

    scripts/make_golden_whisper.py [inference/tests/fixtures]
"""

import argparse
import json
import random
import shutil
import zlib
from pathlib import Path

import numpy
import soundfile
import torch
import transformers
from golden_encoders.tokenizers_of import corpus
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration
from transformers.generation.logits_process import (
    SuppressTokensAtBeginLogitsProcessor,
    SuppressTokensLogitsProcessor,
    WhisperTimeStampLogitsProcessor,
)

RATE = 16_000
CLIP_SECONDS = 3.1
LONG_SECONDS = 70
LANGUAGES = ["en", "ru", "kk"]
POSITIONS = 64
FRAMES = 3000
WORDS = 290
PROMPT = "letter and phone"


def clip() -> numpy.ndarray:
    """Syllables of three tones that glide, with pauses, over a little noise; 16-bit."""
    rng = numpy.random.default_rng(5)
    time = numpy.arange(int(RATE * CLIP_SECONDS)) / RATE
    sound = 0.003 * rng.standard_normal(len(time))
    for start in numpy.arange(0.1, CLIP_SECONDS - 0.4, 0.31):
        length = rng.uniform(0.12, 0.26)
        here = (time >= start) & (time < start + length)
        local = time[here] - start
        envelope = numpy.sin(numpy.pi * local / length) ** 2
        for strength in (0.3, 0.15, 0.08):
            base, glide = rng.uniform(120, 3200), rng.uniform(-400, 400)
            sound[here] += strength * envelope * numpy.sin(2 * numpy.pi * (base * local + glide * local**2))
    return numpy.clip(sound * 32767, -32768, 32767).astype(numpy.int16)


def long_sound(samples: numpy.ndarray) -> numpy.ndarray:
    """The clip again and again, each time with another strength: nine tenths, eight tenths and so on."""
    repeats = -(-LONG_SECONDS * RATE // len(samples))
    parts = [samples.astype(numpy.int32) * (10 - at % 9) // 10 for at in range(repeats)]
    return numpy.concatenate(parts)[: LONG_SECONDS * RATE].astype(numpy.int16)


def tokenizer() -> Tokenizer:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=WORDS, initial_alphabet=sorted(alphabet)))
    names = ["endoftext", "startoftranscript", *LANGUAGES, "translate", "transcribe", "startoflm", "startofprev"]
    names += ["nospeech", "notimestamps"]
    made.add_special_tokens([AddedToken(f"<|{name}|>", special=True, normalized=False) for name in names])
    times = [AddedToken(f"<|{at * 0.02:.2f}|>", special=False, normalized=False) for at in range(1501)]
    made.add_tokens(times)
    return made


def generation_config(made: Tokenizer) -> dict:
    def token(name: str) -> int:
        return made.token_to_id(f"<|{name}|>")

    steering = ["startoftranscript", "translate", "transcribe", "startoflm", "startofprev", "nospeech", *LANGUAGES]
    return {
        "alignment_heads": [[0, 0]],
        "begin_suppress_tokens": [made.encode(" ").ids[0], token("endoftext")],
        "bos_token_id": token("endoftext"),
        "decoder_start_token_id": token("startoftranscript"),
        "eos_token_id": token("endoftext"),
        "is_multilingual": True,
        "lang_to_id": {f"<|{code}|>": token(code) for code in LANGUAGES},
        "max_initial_timestamp_index": 50,
        "max_length": POSITIONS,
        "no_timestamps_token_id": token("notimestamps"),
        "pad_token_id": token("endoftext"),
        "prev_sot_token_id": token("startofprev"),
        "return_timestamps": False,
        "suppress_tokens": sorted([1, 2, 7] + [token(name) for name in steering]),
        "task_to_id": {"transcribe": token("transcribe"), "translate": token("translate")},
    }


def model(made: Tokenizer, seed: int) -> WhisperForConditionalGeneration:
    end = made.token_to_id("<|endoftext|>")
    config = WhisperConfig(
        vocab_size=made.get_vocab_size(),
        num_mel_bins=80,
        d_model=32,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_source_positions=FRAMES // 2,
        max_target_positions=POSITIONS,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
        decoder_start_token_id=made.token_to_id("<|startoftranscript|>"),
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    torch.manual_seed(seed)
    made_model = WhisperForConditionalGeneration(config).eval()
    first_time = made.token_to_id("<|0.00|>")
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in made_model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "embed_tokens" in name:
                # Times and words about as likely, and an end now and then.
                parameter.copy_(noise)
                parameter[first_time:] *= 0.75
                parameter[end] *= 1.3
            elif "embed_positions" in name:
                parameter.copy_(1.5 * noise)
            elif name == "model.decoder.layer_norm.weight":
                parameter.copy_(1.8 + 0.2 * noise)
            elif parameter.dim() < 2:
                parameter.copy_(parameter + 0.2 * noise)
            else:
                # Sharp attention shows what is wrong with it. What layers add outweighs the token that was read, whose own
                # row would else be the likeliest to follow.
                sharp = {"q_proj": 2.0, "k_proj": 2.0, "out_proj": 4.0, "fc2": 4.0}.get(name.split(".")[-2], 1.0)
                parameter.copy_(noise * sharp / parameter[0].numel() ** 0.5)
            parameter.copy_(parameter.to(torch.bfloat16).to(parameter.dtype))
    return made_model


class Listener:
    """Greedy decoding of windows by transformers' model and logits processors."""

    def __init__(self, made: Tokenizer, made_model: WhisperForConditionalGeneration, generation: dict) -> None:
        self.tokenizer = made
        self.model = made_model
        self.generation = transformers.GenerationConfig(**generation)
        self.end = self.generation.eos_token_id
        self.first_time = self.generation.no_timestamps_token_id + 1

    def token(self, name: str) -> int:
        return self.tokenizer.token_to_id(f"<|{name}|>")

    def text(self, tokens: list[int]) -> str:
        return self.tokenizer.decode([token for token in tokens if token < self.end])

    def encode(self, features: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return self.model.model.encoder(features[None]).last_hidden_state

    def logits(self, encoded: torch.Tensor, tokens: list[int]) -> torch.Tensor:
        with torch.no_grad():
            inputs = torch.tensor([tokens])
            return self.model(encoder_outputs=(encoded,), decoder_input_ids=inputs, use_cache=False).logits[0]

    def language(self, encoded: torch.Tensor) -> str:
        logits = self.logits(encoded, [self.token("startoftranscript")])[0]
        return max(LANGUAGES, key=lambda code: float(logits[self.token(code)]))

    def prompt(self, language: str, task: str, times: bool, before: str = "") -> tuple[list[int], int]:
        tokens = []
        if before:
            tokens = [self.token("startofprev"), *self.tokenizer.encode(" " + before).ids[-(POSITIONS // 2 - 1) :]]
        start = len(tokens)
        tokens += [self.token("startoftranscript"), self.token(language), self.token(task)]
        return tokens + ([] if times else [self.token("notimestamps")]), start

    def greedy(self, features: torch.Tensor, times: bool, language: str, task: str = "transcribe", before: str = "") -> dict:
        encoded = self.encode(features)
        prompt, start = self.prompt(language, task, times, before)
        processors = [
            SuppressTokensAtBeginLogitsProcessor(self.generation.begin_suppress_tokens, len(prompt)),
            SuppressTokensLogitsProcessor(self.generation.suppress_tokens),
        ]
        if times:
            processors.append(WhisperTimeStampLogitsProcessor(self.generation, begin_index=len(prompt)))
        silence = torch.softmax(self.logits(encoded, prompt)[start], -1)[self.token("nospeech")]
        tokens: list[int] = []
        total, gap = 0.0, float("inf")
        while len(tokens) < min(POSITIONS // 2, POSITIONS - len(prompt)):
            scores = self.logits(encoded, prompt + tokens)[-1:]
            for processor in processors:
                scores = processor(torch.tensor([prompt + tokens]), scores)
            logprobs = torch.log_softmax(scores[0], -1)
            best = logprobs.topk(2)
            gap = min(gap, float(best.values[0] - best.values[1]))
            total += float(best.values[0])
            if int(best.indices[0]) == self.end:
                break
            tokens.append(int(best.indices[0]))
        text = self.text(tokens)
        return {
            "tokens": tokens,
            "text": text,
            "avg_logprob": total / (len(tokens) + 1),
            "no_speech_prob": float(silence),
            "compression_ratio": len(text.encode()) / len(zlib.compress(text.encode())),
            "gap": gap,
        }

    def segments(self, tokens: list[int], first: int, count: int) -> tuple[list[dict], int]:
        """OpenAI's `transcribe`: cut between two times that follow each other."""
        is_time = [token >= self.first_time for token in tokens]
        ends = [at for at in range(1, len(tokens)) if is_time[at] and is_time[at - 1]]
        alone = is_time[-2:] == [False, True]

        def seconds(token: int) -> float:
            return round(first / 100 + (token - self.first_time) * 0.02, 2)

        def segment(start: float, end: float, own: list[int]) -> dict:
            return {"seek": first, "start": start, "end": end, "tokens": own, "text": self.text(own)}

        if not ends:
            last = [token for token in tokens if token > self.first_time]
            late = [token for token, time in zip(tokens, is_time) if time]
            end = seconds(late[-1]) if late and late[-1] != self.first_time and last else round((first + count) / 100, 2)
            return [segment(round(first / 100, 2), end, tokens)], count
        if alone:
            ends.append(len(tokens))
        found, begin = [], 0
        for end in ends:
            own = tokens[begin:end]
            found.append(segment(seconds(own[0]), seconds(own[-1]), own))
            begin = end
        return found, count if alone else max((tokens[begin - 1] - self.first_time) * 2, 100)

    def long(self, features: torch.Tensor, num_frames: int, duration: float, language: str) -> tuple[list[dict], list[dict]]:
        seek, found, windows = 0, [], []
        while seek < num_frames:
            window = features[:, seek : seek + FRAMES]
            said = self.greedy(window, True, language)
            windows.append(said)
            count = min(FRAMES, num_frames - seek)
            cut, advance = self.segments(said["tokens"], seek, count)
            for segment in cut:
                segment["start"], segment["end"] = min(segment["start"], duration), min(segment["end"], duration)
                segment["avg_logprob"] = said["avg_logprob"]
            found += [segment for segment in cut if segment["text"].strip()]
            seek += min(advance, count)
        return found, windows


def frames_of(samples: numpy.ndarray, extractor: WhisperFeatureExtractor) -> torch.Tensor:
    """`[num_mels, frames]`, with half a minute of silence behind the sound, as OpenAI pads it."""
    sound = numpy.concatenate([samples.astype(numpy.float32) / 32768, numpy.zeros(30 * RATE, numpy.float32)])
    found = extractor(sound, sampling_rate=RATE, return_tensors="pt", truncation=False, padding="longest")
    return found.input_features[0]


def is_taken(said: dict) -> bool:
    """Whether a window would not be tried again, and no two tokens are so close that rounding decides."""
    return said["compression_ratio"] < 2.2 and said["avg_logprob"] > -0.85 and said["gap"] > 0.005 and bool(said["text"])


def golden(listener: Listener, extractor: WhisperFeatureExtractor, samples: numpy.ndarray) -> dict | None:
    short = extractor(samples.astype(numpy.float32) / 32768, sampling_rate=RATE, return_tensors="pt").input_features[0]
    language = listener.language(listener.encode(short))
    asked = {
        "plain": (False, "en"),
        "timed": (True, "en"),
        "translated": (False, "ru", "translate"),
        "prompted": (False, "kk", "transcribe", PROMPT),
        "detected": (False, language),
    }
    cases = {}
    for name, case in asked.items():
        cases[name] = listener.greedy(short, *case)
        num_times = sum(token >= listener.first_time for token in cases[name]["tokens"])
        if not is_taken(cases[name]) or (name == "timed" and num_times < 4) or language == "en":
            return None
    sound = long_sound(samples)
    num_frames = len(sound) // 160
    found, windows = listener.long(frames_of(sound, extractor), num_frames, len(sound) / RATE, "ru")
    if not all(is_taken(said) for said in windows) or not 3 <= len(windows) <= 12:
        return None
    count = min(FRAMES, len(samples) // 160)
    segments, _ = listener.segments(cases["timed"]["tokens"], 0, count)
    for segment in segments:
        segment["start"], segment["end"] = min(segment["start"], CLIP_SECONDS), min(segment["end"], CLIP_SECONDS)
    prompt, _ = listener.prompt("en", "transcribe", False)
    forced = prompt + listener.tokenizer.encode("the river bank opens at nine").ids
    logprobs = torch.log_softmax(listener.logits(listener.encode(short), forced), -1)
    top = logprobs.topk(5)
    return {
        "transformers": transformers.__version__,
        "frames": {str(at): [round(float(value), 6) for value in short[:, at]] for at in [0, 1, 2, 57, 150, 309, 311, 2000]},
        "forced": {
            "tokens": forced,
            "top": [[[int(t), round(float(p), 5)] for p, t in zip(*row)] for row in zip(top.values, top.indices)],
        },
        "language": language,
        "prompt": PROMPT,
        "cases": cases,
        "segments": segments,
        "long_segments": found,
        "long_windows": len(windows),
    }


def check_generate(listener: Listener, extractor: WhisperFeatureExtractor, samples: numpy.ndarray, cases: dict) -> None:
    """The loop above and `generate` agree; with times as far as those go, since `generate` reads on from the last pair."""
    short = extractor(samples.astype(numpy.float32) / 32768, sampling_rate=RATE, return_tensors="pt").input_features
    listener.model.generation_config = listener.generation
    for name, times in (("plain", False), ("timed", True)):
        options = {"language": "en", "task": "transcribe", "return_timestamps": times, "num_beams": 1, "do_sample": False}
        found = listener.model.generate(short, max_new_tokens=POSITIONS // 2, **options)[0].tolist()
        said = [token for token in found if token < listener.end or token >= listener.first_time]
        expected = cases[name]["tokens"]
        is_time = [token >= listener.first_time for token in expected]
        pairs = [at + 1 for at in range(1, len(expected)) if is_time[at] and is_time[at - 1]]
        length = pairs[-1] if times and pairs else len(expected)
        assert said[:length] == expected[:length], (name, said, expected)


def write_sounds(folder: Path, samples: numpy.ndarray) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / "clip.wav", samples, RATE, subtype="PCM_16")
    soundfile.write(folder / "clip.flac", samples, RATE, subtype="PCM_16")
    soundfile.write(folder / "clip.mp3", samples, RATE, format="MP3")
    soundfile.write(folder / "clip.ogg", samples, RATE, format="OGG", subtype="VORBIS")
    soundfile.write(folder / "clip.opus", samples, RATE, format="OGG", subtype="OPUS")


def write_model(folder: Path, listener: Listener, generation: dict, extractor: WhisperFeatureExtractor) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    listener.model.generation_config = transformers.GenerationConfig()
    listener.model.to(torch.bfloat16).save_pretrained(folder)
    listener.tokenizer.save(str(folder / "tokenizer.json"))
    extractor.save_pretrained(folder)
    (folder / "generation_config.json").write_text(json.dumps(generation, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("inference/tests/fixtures"))
    folder = parser.parse_args().folder
    torch.set_num_threads(1)
    random.seed(0)
    samples, made = clip(), tokenizer()
    extractor = WhisperFeatureExtractor(feature_size=80)
    generation = generation_config(made)
    for seed in range(2000):
        listener = Listener(made, model(made, seed), generation)
        found = golden(listener, extractor, samples)
        if found is not None:
            break
    else:
        raise SystemExit("no seed is fit")
    check_generate(listener, extractor, samples, found["cases"])
    write_sounds(folder / "audio", samples)
    write_model(folder / "speech" / "whisper-tiny", listener, generation, extractor)
    (folder / "speech" / "whisper-tiny" / "golden.json").write_text(json.dumps(found, ensure_ascii=False) + "\n")
    print("seed", seed, "windows", found["long_windows"], "segments", len(found["long_segments"]))


if __name__ == "__main__":
    main()
