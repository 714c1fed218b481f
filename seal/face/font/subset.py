"""Makes DroidSansFallback-subset.ttf.gz from two packages of Debian 12.

    apt-get install fonts-droid-fallback=1:6.0.1r16-1.1 unicode-data=15.0.0-1
    python3 -m venv venv && venv/bin/pip install fonttools==4.68.0
    venv/bin/python subset.py

The same two files give the same bytes; README.md has their digests.
"""

import bz2
import gzip
import hashlib
import io

from fontTools import subset

FONT = "/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf"
UNIHAN = "/usr/share/unicode/Unihan_OtherMappings.txt.bz2"
OUT = "DroidSansFallback-subset.ttf.gz"


def gb2312():
    """The 6,763 characters of GB/T 2312-1980, rows 16 to 87."""
    cells = (bytes([a, b]) for a in range(0xB0, 0xF8) for b in range(0xA1, 0xFF) if (a, b) <= (0xD7, 0xF9) or a > 0xD7)
    return {ord(c.decode("gb2312")) for c in cells}


def standard_table():
    """通用规范汉字表 (2013): what names of people and bodies are written with."""
    with bz2.open(UNIHAN, "rt", encoding="utf-8") as f:
        return {int(line.split("\t")[0][2:], 16) for line in f if "\tkTGH\t" in line}


def traditional():
    """Level 1 of Big5: names from Hong Kong, Macao and Taiwan."""
    trail = [*range(0x40, 0x7F), *range(0xA1, 0xFF)]
    cells = (bytes([a, b]) for a in range(0xA4, 0xC7) for b in trail if (a, b) <= (0xC6, 0x7E))
    return {ord(c.decode("big5")) for c in cells}


def signs():
    """Digits, Latin letters and brackets (the font has the full-width forms alone),
    the zero of years, the dot within names, corner brackets and book marks."""
    return {*range(0xFF01, 0xFF5F), 0x3001, 0x3007, 0x30FB, *range(0x3008, 0x3012)}


def main():
    options = subset.Options()
    options.hinting = False
    options.layout_features = []
    options.name_IDs = [0]  # the copyright stays in the font
    options.glyph_names = False
    options.notdef_outline = False
    options.recalc_timestamp = False
    options.drop_tables += ["vhea", "vmtx", "GDEF", "GPOS", "GSUB", "gasp"]
    wanted = gb2312() | standard_table() | traditional() | signs()
    font = subset.load_font(FONT, options)
    lacking = sorted(wanted - set(font.getBestCmap()))
    chooser = subset.Subsetter(options)
    chooser.populate(unicodes=wanted)
    chooser.subset(font)
    raw = io.BytesIO()
    font.save(raw)
    packed = gzip.compress(raw.getvalue(), 9, mtime=0)
    with open(OUT, "wb") as f:
        f.write(packed)
    for name in (FONT, UNIHAN, OUT):
        with open(name, "rb") as f:
            print(hashlib.sha256(f.read()).hexdigest(), name)
    print(len(wanted) - len(lacking), "characters,", len(raw.getvalue()), "octets,", len(packed), "packed")
    print("not in the font:", "".join(map(chr, lacking)))


if __name__ == "__main__":
    main()
