#!/usr/bin/env python3
"""Writes the typefaces of printed invoices: gateway/src/invoices/pdf/fonts/.

Arimo (SIL Open Font License 1.1, no reserved font name), cut to Latin, Cyrillic and the signs of Kazakh papers, without
hinting, features and kerning, which the gateway's typesetter does not use. Needs fonttools 4.68.0
(`pip install fonttools==4.68.0`) and npm. Run it by hand, only to change the files: they are committed.
"""

import hashlib
import importlib.metadata
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

from fontTools import subset
from fontTools.ttLib import TTFont

OUT = pathlib.Path(__file__).parent.parent / "gateway/src/invoices/pdf/fonts"
VERSION = "4.68.0"
PACKAGE = "@expo-google-fonts/arimo@0.4.3"
SHA256 = "5058cb6ac604e7cbb63354abc464f09c4b6e02089a3c896ee02fa38eba23ae34"
FACES = {
    "400Regular/Arimo_400Regular.ttf": "Arimo-Regular.ttf",
    "700Bold/Arimo_700Bold.ttf": "Arimo-Bold.ttf",
}
LICENCE = "LICENSE_FONT"

# Spaces but the plain one, joiners, marks of direction and the soft hyphen are left out: what cannot be seen on paper is
# written out as its number instead. The no-break space is drawn as a plain one.
RANGES = [
    (0x20, 0x7E),
    (0xA1, 0xAC),
    (0xAE, 0x17F),
    (0x18F, 0x18F),
    (0x1E6, 0x1E7),
    (0x1F4, 0x1F5),
    (0x218, 0x21B),
    (0x259, 0x259),
    (0x400, 0x482),
    (0x48A, 0x4FF),
    (0x2010, 0x2015),
    (0x2018, 0x201E),
    (0x2020, 0x2022),
    (0x2026, 0x2026),
    (0x2030, 0x2030),
    (0x2032, 0x2033),
    (0x2039, 0x203A),
    (0x20AC, 0x20AC),
    (0x20B8, 0x20B8),
    (0x20BD, 0x20BD),
    (0x2116, 0x2116),
    (0x2122, 0x2122),
    (0x2190, 0x2193),
    (0x2212, 0x2212),
    (0x2248, 0x2248),
    (0x2260, 0x2260),
    (0x2264, 0x2265),
]
NEEDED = "₸№«»—–…≈абвгдеёжзийклмнопрстуфхцчшщъыьэюяәғқңөұүһі"


def package(folder):
    name = subprocess.run(["npm", "pack", "-s", PACKAGE], cwd=folder, check=True, capture_output=True, text=True).stdout
    archive = folder / name.strip()
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != SHA256:
        sys.exit(f"{PACKAGE} is {digest}")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / "package"


def cut(source, target):
    options = subset.Options()
    options.hinting = False
    options.layout_features = []
    options.drop_tables += ["GPOS", "GSUB", "GDEF", "STAT", "DSIG", "meta"]
    options.name_IDs = [0, 1, 2, 3, 4, 5, 6, 7, 13, 14]
    options.notdef_outline = True
    options.recalc_timestamp = False
    font = TTFont(source, recalcTimestamp=False)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[code for first, last in RANGES for code in range(first, last + 1)])
    subsetter.subset(font)
    font.save(target)
    covered = set(TTFont(target).getBestCmap())
    missing = [letter for letter in NEEDED + NEEDED.upper() if ord(letter) not in covered]
    if missing:
        sys.exit(f"{target} lacks {missing}")
    print(target.name, target.stat().st_size, "bytes", len(covered), "characters")


def main():
    if importlib.metadata.version("fonttools") != VERSION:
        sys.exit(f"this needs fonttools {VERSION}")
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        fonts = package(pathlib.Path(folder))
        for source, target in FACES.items():
            cut(fonts / source, OUT / target)
        shutil.copyfile(fonts / LICENCE, OUT / "LICENSE-Arimo.txt")


main()
