#!/usr/bin/env python3
"""Verifies an audit export of Shekara with nothing of Shekara: the format's second reader.

    python3 golden_audit_chain.py EXPORT.jsonl [PUBLIC_KEY_IN_BASE64]

Needs Python 3.9. Signatures are checked where the package `cryptography` is there, with the key given, or else with the
first one that the file brings. Ends with 0 and a line of counts if all holds, with 1 and the first problem otherwise.
It holds the whole file in memory and stops at the first problem; `shekara audit verify` does neither.
"""

import base64
import hashlib
import json
import sys

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    Ed25519PublicKey = None

NONE = "0" * 64


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def number(value):
    """As ECMAScript prints a double (RFC 8785, 3.2.2.3)."""
    if isinstance(value, int):
        if abs(value) <= 2**53:
            return str(value)
        printed = number(float(value))
        assert printed == str(value), "an integer that a double cannot hold"
        return printed
    assert value == value and abs(value) != float("inf")
    if value == 0:
        return "0"
    if value < 0:
        return "-" + number(-value)
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    power = point - 1
    sign = "+" if power > 0 else "-"
    return digits[0] + ("." + digits[1:] if len(digits) > 1 else "") + "e" + sign + str(abs(power))


def canonical(value):
    """RFC 8785."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, (int, float)):
        return number(value)
    if isinstance(value, str):
        # Without ensure_ascii Python escapes what JCS escapes, in the same way.
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    names = sorted(value, key=lambda name: name.encode("utf-16-be"))
    return "{" + ",".join(canonical(name) + ":" + canonical(value[name]) for name in names) + "}"


def without(value, *names):
    return canonical({name: value[name] for name in value if name not in names}).encode()


def key_id(public_key):
    return hashlib.sha256(base64.b64decode(public_key)).hexdigest()[:16]


def check_signature(value, keys):
    assert value["key_id"] in keys, f"key {value['key_id']} is not known"
    if Ed25519PublicKey is None:
        return
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(keys[value["key_id"]]))
    signature = base64.urlsafe_b64decode(value["signature"] + "==")
    try:
        public.verify(signature, without(value, "signature"))
    except InvalidSignature:
        raise AssertionError("the signature does not hold") from None


def climb(head):
    leaf = {name: head[name] for name in ("hash", "salt", "sequence", "tenant")}
    at = hashlib.sha256(b"\0" + canonical(leaf).encode()).digest()
    for beside in map(bytes.fromhex, head["path"]):
        at = hashlib.sha256(b"\1" + min(at, beside) + max(at, beside)).digest()
    return at.hex()


class Export:
    def __init__(self, manifest, trusted):
        assert manifest["shekara_audit_export"] == 1
        own = manifest["public_keys"][0]
        assert trusted is None or key_id(trusted) == manifest["key_id"], "the manifest is signed with another key"
        check_signature(manifest, {key_id(trusted or own): trusted or own})
        self.keys = {key_id(key): key for key in manifest["public_keys"]}
        self.ranges = {(chain["tenant"], chain["writer"]): chain for chain in manifest["chains"]}
        self.order = [(chain["tenant"], chain["writer"]) for chain in manifest["chains"]]
        assert self.order == sorted(self.order, key=lambda chain: (chain[0].encode(), chain[1]))
        self.checkpoints_promised = {of["writer"]: of for of in manifest["checkpoints"]}
        self.tips = {key: (chain["first_sequence"] - 1, chain["previous_of_first"]) for key, chain in self.ranges.items()}
        self.counts = {key: {"heads": 0, "seals": 0} for key in self.ranges}
        self.seals, self.roots, self.last_checkpoints, self.num_checkpoints = {}, {}, {}, {}
        self.at, self.num_entries = 0, 0

    def turn_to(self, value):
        key = (value["tenant"], value["writer"])
        place = self.order.index(key)
        assert place >= self.at, "a chain's line is not where it belongs"
        self.at = place
        return key

    def checkpoint(self, value):
        check_signature(value, self.keys)
        writer, at = value["writer"], value["number"]
        of = self.checkpoints_promised[writer]
        is_whole = of["count"] == of["last"] - of["first"] + 1
        number_before, hash_before = self.last_checkpoints.get(writer, (of["first"] - 1 if is_whole else 0, None))
        assert at == number_before + 1 if is_whole else at > number_before, "a checkpoint is missing"
        if at == 1:
            hash_before = NONE
        assert at != number_before + 1 or hash_before in (None, value["previous"]), "checkpoints do not follow"
        self.last_checkpoints[writer] = (at, sha256(without(value, "signature")))
        self.num_checkpoints[writer] = self.num_checkpoints.get(writer, 0) + 1
        self.roots[writer, at] = value["root"]

    def seal(self, value):
        check_signature(value, self.keys)
        key = self.turn_to(value)
        last, hash_before = self.seals.get(key, (value["first"] - 1, value["previous"]))
        assert (value["first"], value["previous"]) == (last + 1, hash_before), "seals do not follow"
        assert value["num_entries"] == value["last"] - value["first"] + 1
        assert value["last"] < self.tips[key][0] or (value["last"], value["last_hash"]) == self.tips[key]
        self.seals[key] = (value["last"], sha256(without(value, "signature")))
        self.counts[key]["seals"] += 1

    def entry(self, value):
        key = self.turn_to(value)
        assert value["v"] == 1
        assert value["hash"] == sha256(without(value, "hash")), "the hash is not that of the content"
        sequence, before = self.tips[key]
        assert value["sequence"] == sequence + 1, f"entry {sequence + 1} is missing"
        assert value["previous"] == before, "the entry does not follow the one before"
        self.tips[key] = (value["sequence"], value["hash"])
        self.num_entries += 1

    def head(self, value):
        key = self.turn_to(value)
        assert climb(value) == self.roots[value["writer"], value["checkpoint"]], "the head was not signed"
        assert (value["sequence"], value["hash"]) == self.tips[key], "the checkpoint disagrees"
        self.counts[key]["heads"] += 1

    def finish(self):
        for key, chain in self.ranges.items():
            assert self.tips[key] == (chain["last_sequence"], chain["last_hash"]), f"the chain {key} is cut off"
            assert self.counts[key] == {"heads": chain["num_heads"], "seals": chain["num_seals"]}, f"lines of {key}"
        for writer, of in self.checkpoints_promised.items():
            assert self.last_checkpoints[writer][0] == of["last"] and self.num_checkpoints[writer] == of["count"]


def verify(path, trusted=None):
    export = None
    with open(path, "rb") as lines:
        for place, raw in enumerate(lines, 1):
            try:
                line = raw.decode()
                assert line.endswith("\n"), "the file ends within the line"
                value = json.loads(line)
                assert canonical(value) == line[:-1], "the line is not canonical"
                if export is None:
                    export = Export(value, trusted)
                elif "shekara_audit_checkpoint" in value:
                    export.checkpoint(value)
                elif "shekara_audit_seal" in value:
                    export.seal(value)
                elif "shekara_audit_head" in value:
                    export.head(value)
                else:
                    export.entry(value)
            except (AssertionError, KeyError, ValueError, TypeError) as problem:
                raise SystemExit(f"line {place}: {problem}") from None
    if export is None:
        raise SystemExit("the file is empty")
    try:
        export.finish()
    except (AssertionError, KeyError) as problem:
        raise SystemExit(f"end of the file: {problem}") from None
    signatures = "not checked" if Ed25519PublicKey is None else "checked"
    chains, checkpoints = len(export.ranges), len(export.roots)
    print(f"{export.num_entries} entries in {chains} chains under {checkpoints} checkpoints hold; signatures {signatures}")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    verify(*sys.argv[1:])
