"""Whole texts: sentences joined into chats, letters, forms, calls and prompts, before any disguise."""

from __future__ import annotations

import random
from typing import Dict, List, Tuple

from .entities import ENTITIES, LABEL_ONLY
from .obfuscation import spell
from .persons import LATIN_TABLES
from .records import Records
from .template import Segment, entities_of, render
from .world import World

GROUPS = ("ids", "docs", "finance", "contacts", "person", "secret")
SCENES = ("chat", "note", "prompt", "email", "transcript", "form", "json", "csv", "table", "log", "code")
SCENE_WEIGHTS = (22, 24, 12, 9, 8, 9, 5, 3, 2, 3, 3)
MACHINE_SCENES = frozenset({"json", "csv", "table", "log", "code"})
RECORD_SCENES = frozenset({"form", "json", "csv", "table", "log", "code"})


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


class Composer:
    """Composes texts of one split."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.records = Records(world)
        self.clauses: Dict[str, Dict[str, List[str]]] = {}
        for lang in ("ru", "kk", "en", "mixed"):
            sections = world.templates[lang]
            groups = ("any",) if lang == "mixed" else GROUPS
            by_entity: Dict[str, List[str]] = {entity: [] for entity in ENTITIES}
            for template in (line for group in groups for line in sections[group]):
                for entity in entities_of(template):
                    by_entity[entity].append(template)
            self.clauses[lang] = by_entity

    def _section(self, lang: str, name: str) -> List[str]:
        return self.world.templates[lang][name]

    def positive(self, rng: random.Random, lang: str, target: str) -> Tuple[List[Segment], str, str]:
        """A text that holds the target entity: its segments, its scene, and the language of its slots."""
        scene = rng.choices(SCENES, SCENE_WEIGHTS)[0]
        base = self._base(rng, lang)
        templates = self.clauses["mixed" if lang == "mixed" else base][target]
        if lang == "mixed" and (not templates or rng.random() < 0.5):
            return self._switched(rng, target), "note", base
        if scene in RECORD_SCENES and lang != "mixed" or not templates:
            scene = scene if scene in RECORD_SCENES else "form"
            segments = self.records.write(rng, base, target, scene)
            if rng.random() < 0.4:
                rule = rng.choice(self._section(base, "rule"))
                segments = [Segment(rule + "\n")] + segments
        else:
            scene = "note" if scene in RECORD_SCENES else scene
            segments = self._prose(rng, lang, base, rng.choice(templates), scene)
        self._latin(rng, lang, segments)
        return segments, scene, base

    @staticmethod
    def _base(rng: random.Random, lang: str) -> str:
        if lang == "mixed":
            return rng.choice(("ru", "ru", "kk"))
        return "kk" if lang == "kk-latn" else lang

    @staticmethod
    def _latin(rng: random.Random, lang: str, segments: List[Segment]) -> None:
        if lang == "kk-latn":
            spell(segments, LATIN_TABLES[rng.choices(("2021", "2018", "chat"), (4, 2, 4))[0]])

    def _switched(self, rng: random.Random, target: str) -> List[Segment]:
        """A clause in one language between sentences of another."""
        first, second = rng.sample(("ru", "kk", "en"), 2)
        templates = self.clauses[first][target] or self.clauses["ru"][target]
        first = first if self.clauses[first][target] else "ru"
        inside = render(rng, self.world, first, rng.choice(templates))
        before = rng.choice(self._section(second, rng.choice(("greeting", "filler", "rule"))))
        after = rng.choice(self._section(second, rng.choice(("closing", "filler"))))
        head = render(rng, self.world, second, before) + [Segment(" ")]
        return head + inside + [Segment(" ")] + render(rng, self.world, second, after)

    def _prose(self, rng: random.Random, lang: str, base: str, template: str, scene: str) -> List[Segment]:
        body = self._clause(rng, base, template)
        if rng.random() < 0.22:
            pool = self._section("mixed", "any") if lang == "mixed" else self._section(base, rng.choice(GROUPS[:5]))
            body += [Segment(" ")] + self._clause(rng, base, rng.choice(pool))
        if rng.random() < 0.2:
            name = "mixed" if lang == "mixed" else base
            body += [Segment(" ")] + self._clause(rng, base, rng.choice(self._section(name, "negative")))
        return self._in_scene(rng, base, body, scene, signed=True)

    def _clause(self, rng: random.Random, base: str, template: str) -> List[Segment]:
        segments = render(rng, self.world, base, template)
        last = segments[-1]
        if last.entity is None and last.text.endswith("."):
            return segments
        return segments if last.entity is None and last.text[-1] in "?!:" else segments + [Segment(".")]

    def _in_scene(self, rng: random.Random, base: str, body: List[Segment], scene: str, signed: bool) -> List[Segment]:
        if scene == "chat":
            return self._chat(rng, base, body)
        if scene in ("email", "transcript"):
            frames = self.world.templates["frames"][f"{base}_{scene}"]
            frames = frames if signed else [frame for frame in frames if not entities_of(frame)]
            head, tail = rng.choice(frames).split("§")
            return render(rng, self.world, base, head) + body + render(rng, self.world, base, tail)
        if scene == "prompt":
            rule = rng.choice(self._section(base, "rule"))
            return [Segment(rule + rng.choice((" ", "\n", "\n\n")))] + body
        before, after = rng.random(), rng.random()
        if before < 0.5:
            body = render(rng, self.world, base, rng.choice(self._section(base, "greeting"))) + [Segment(" ")] + body
        if after < 0.6:
            tail = rng.choice(self._section(base, rng.choice(("closing", "filler"))))
            body = body + [Segment(" ")] + render(rng, self.world, base, tail)
        return body

    def _chat(self, rng: random.Random, base: str, body: List[Segment]) -> List[Segment]:
        if rng.random() < 0.35:
            greeting = rng.choice(self._section(base, "greeting"))
            body = [Segment(greeting.rstrip(".,!") + rng.choice((" ", ", ", "! ", "\n")))] + body
        if body[0].entity is None and rng.random() < 0.7:
            body[0].text = _lowered(body[0].text)
        if body[-1].entity is None and rng.random() < 0.6:
            body[-1].text = body[-1].text.rstrip(".")
        return [segment for segment in body if segment.text]

    def negative(self, rng: random.Random, lang: str) -> Tuple[List[Segment], str]:
        """A text without personal data; one in eleven holds a company's number or a bank's code."""
        base = self._base(rng, lang)
        chance = rng.random()
        if chance < 0.13:
            template = rng.choice(self.world.templates["frames"]["negative"])
            segments = render(rng, self.world, base, template)
            if rng.random() < 0.4:
                segments = [Segment(rng.choice(self._section(base, "rule")) + "\n")] + segments
            return segments, base
        section = "bin_only" if chance < 0.22 else "negative"
        name = "mixed" if lang == "mixed" else base
        body = self._clause(rng, base, rng.choice(self._section(name, section)))
        if rng.random() < 0.3:
            body += [Segment(" ")] + self._clause(rng, base, rng.choice(self._section(name, "negative")))
        scene = rng.choices(("chat", "note", "prompt", "email", "transcript"), (30, 40, 14, 8, 8))[0]
        segments = self._in_scene(rng, base, body, scene, signed=False)
        self._latin(rng, lang, segments)
        return segments, base


def is_negative(entities: List[str]) -> bool:
    """Whether a text with these entities may leave by default."""
    return all(entity in LABEL_ONLY for entity in entities)
