"""Where people are reached and where they are: e-mail, networks, wallets, streets."""

from __future__ import annotations

import random

from . import check_digits as check
from .world import World


def email(rng: random.Random, world: World) -> str:
    """An address of a person on one of the split's domains."""
    login = rng.choice(world.words["login"])
    if rng.random() < 0.5:
        login += rng.choice(("", "_", ".")) + str(rng.randint(1, 99) if rng.random() < 0.6 else rng.randint(1970, 2008))
    return f"{login}{'+bank' if rng.random() < 0.03 else ''}@{rng.choice(world.words['domain'])}"


def handle(rng: random.Random, world: World) -> str:
    """A name in a messenger or social network, with its @."""
    login = rng.choice(world.words["login"]).replace(".", "_").replace("-", "_")
    return f"@{login}_{rng.choice(('kz', 'official', 'almaty', str(rng.randint(1, 99)), 'off', 'photo'))}"


def public_ip(rng: random.Random) -> str:
    """A public IPv4 address, or now and then an IPv6 one."""
    if rng.random() < 0.15:
        groups = [f"{rng.getrandbits(16):x}" for _ in range(rng.choice((5, 6)))]
        text = "2a02:" + ":".join(groups)
        return f"{text}::{rng.getrandbits(12) + 1:x}" if len(groups) == 5 else f"{text}:{rng.getrandbits(16):x}"
    first = rng.choice((2, 5, 37, 46, 62, 77, 78, 82, 85, 89, 91, 92, 95, 147, 178, 185, 188, 212, 213))
    return f"{first}.{rng.randint(1, 254)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"


def private_ip(rng: random.Random) -> str:
    """An address that means nothing outside its network."""
    return rng.choice((
        f"10.{rng.randint(0, 255)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}",
        f"192.168.{rng.randint(0, 99)}.{rng.randint(1, 254)}",
        f"172.{rng.randint(16, 31)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}",
        "127.0.0.1", "0.0.0.0", "255.255.255.0",
    ))  # fmt: skip


def mac(rng: random.Random) -> str:
    """A device's MAC address."""
    first = rng.choice((0x00, 0x3C, 0xA4, 0xB8, 0x5C, 0xDC, 0xF0, 0x28))
    groups = [f"{byte:02x}" for byte in [first] + [rng.getrandbits(8) for _ in range(5)]]
    text = rng.choices((":", "-"), (75, 25))[0].join(groups)
    return text.upper() if rng.random() < 0.5 else text


def geo(rng: random.Random) -> str:
    """Coordinates of a place in Kazakhstan."""
    latitude, longitude = rng.uniform(41.5, 54.5), rng.uniform(50.5, 84.5)
    places = rng.choice((4, 5, 6))
    mark = rng.choice((", ", ", ", " ", ","))
    return f"{latitude:.{places}f}{mark}{longitude:.{places}f}"


def crypto(rng: random.Random) -> str:
    """A wallet's address with a correct checksum."""
    kind = rng.choice(("btc", "segwit", "eth", "eth", "tron"))
    payload = rng.getrandbits(160).to_bytes(20, "big")
    if kind == "segwit":
        return check.bech32("bc", payload)
    if kind == "eth":
        return "0x" + (check.eip55(payload.hex()) if rng.random() < 0.6 else payload.hex())
    if kind == "tron":
        return check.base58check(b"\x41" + payload)
    return check.base58check(bytes([rng.choice((0, 5))]) + payload)


def _house(rng: random.Random) -> str:
    number = rng.randint(1, 198)
    return f"{number}{rng.choice(('', '', '', '', 'а', '/1', '/2', 'б'))}"


def address(rng: random.Random, world: World, lang: str) -> str:
    """Street or microdistrict with a house, in the language of the text, without the city."""
    words, house, flat = world.words, _house(rng), rng.randint(1, 180)
    with_flat = rng.random() < 0.65
    if lang == "en":
        street = rng.choice(words["en_street"])
        house = house.replace("а", "A").replace("б", "B")
        kind = rng.choice(("Street", "St", "Avenue", "Ave", "Road"))
        tail = rng.choice((f", apt. {flat}", f", Apt {flat}", f", flat {flat}")) if with_flat else ""
        return f"{house} {street} {kind}{tail}"
    if lang == "kk":
        return _kazakh_address(rng, world, house, flat if with_flat else 0)
    if rng.random() < 0.25:
        head = rng.choice(("мкр. {0}", "мкр {0}", "микрорайон {0}")).format(rng.choice(words["mkr"]))
    elif rng.random() < 0.3:
        head = rng.choice(("пр. {0}", "проспект {0}", "пр-т {0}")).format(rng.choice(words["ru_avenue"]))
    else:
        head = rng.choice(("ул. {0}", "улица {0}", "ул {0}", "ул. {0}")).format(rng.choice(words["ru_street"]))
    number = rng.choice((", д. {0}", ", {0}", " {0}", ", дом {0}", ", д.{0}")).format(house)
    tail = rng.choice((", кв. {0}", ", кв {0}", ", квартира {0}", ", кв.{0}")).format(flat) if with_flat else ""
    return head + number + tail


def _kazakh_address(rng: random.Random, world: World, house: str, flat: int) -> str:
    words = world.words
    if rng.random() < 0.25:
        head = rng.choice(words["kk_mkr"]) + rng.choice((" ықшамауданы", " ауданы", " ықш. ауд."))
    elif rng.random() < 0.3:
        head = rng.choice(words["kk_avenue"]) + rng.choice((" даңғылы", " даңғ."))
    else:
        head = rng.choice(words["kk_street"]) + rng.choice((" көшесі", " көшесі", " көш."))
    number = rng.choice((", {0}-үй", " {0}-үй", ", {0} үй", " {0}")).format(house)
    return head + number + (rng.choice((", {0}-пәтер", ", {0} пәтер")).format(flat) if flat else "")
