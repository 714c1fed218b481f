"""Checks what the stamps of a sealed JSON or PDF file cover.

A second reading of docs/protocol.md, section 2, with nothing but Python's own
library. It prints a line for each file, "good" or "bad" for each stamp, and exits 1 if one
is bad. It compares digests only and knows nothing of signatures or certificates.
"""

import base64
import hashlib
import json
import re
import sys
from decimal import Decimal


def elements(der):
    """The DER values that stand one after another, as (tag, content)."""
    found = []
    while der:
        tag, length, head = der[0], der[1], 2
        if length & 0x80:
            head += length & 0x7F
            length = int.from_bytes(der[2:head], "big")
        assert len(der) >= head + length
        found.append((tag, der[head : head + length]))
        der = der[head + length :]
    return found


def data_hash(stamp):
    """(dataHash, propertyInfo) of an SES_Signature, GB/T 38540-2020."""
    [(_, signature)] = elements(stamp)
    tbs = elements(elements(signature)[0][1])
    (tag, bits), (_, info) = tbs[3], tbs[4]
    assert tag == 3 and bits[0] == 0
    return bits[1:], info.decode("ascii")


def number(text):
    """ECMAScript's Number::toString, which RFC 8785 3.2.2.3 asks for."""
    f = float(text)
    if f == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(f)).normalize().as_tuple()
    digits = "".join(map(str, digits))
    k, n = len(digits), len(digits) + exponent
    if k <= n <= 21:
        s = digits + "0" * (n - k)
    elif 0 < n <= 21:
        s = digits[:n] + "." + digits[n:]
    elif -6 < n <= 0:
        s = "0." + "0" * -n + digits
    else:
        s = digits[0] + ("." + digits[1:] if k > 1 else "") + "e%+d" % (n - 1)
    return "-" * sign + s


class Number(str):
    """A number as it stands in the text."""


def canonical(v):
    if isinstance(v, Number):
        return number(v)
    if isinstance(v, str):
        return json.dumps(v, ensure_ascii=False)
    if isinstance(v, list):
        return "[" + ",".join(map(canonical, v)) + "]"
    if isinstance(v, dict):
        keys = sorted(v, key=lambda k: k.encode("utf-16-be"))
        return "{" + ",".join(canonical(k) + ":" + canonical(v[k]) for k in keys) + "}"
    return json.dumps(v)


def json_stamps(raw):
    doc = json.loads(raw.decode("utf-8"), parse_int=Number, parse_float=Number)
    seals = doc.pop("_seals")
    for n, entry in enumerate(seals):
        covered = dict(doc, _seals=seals[:n]) if n else doc
        yield base64.b64decode(entry, validate=True), canonical(covered).encode("utf-8"), "json:jcs"


def pdf_stamps(raw):
    pattern = rb"/ByteRange *\[0 (\d+) (\d+) (\d+)\] *\s*/Contents <([0-9a-f]*)>"
    for m in re.finditer(pattern, raw):
        a, b, c = map(int, m.groups()[:3])
        assert raw[a:b] == b"<" + m[4] + b">", "the hole is not the token"
        token = bytes.fromhex(m[4].decode())
        length = int.from_bytes(token[2:4], "big") + 4
        assert token[0] == 0x30 and token[1] == 0x82 and not token[length:].strip(b"\0")
        yield token[:length], raw[:a] + raw[b : b + c], "pdf:byterange"


def check(kind, path):
    with open(path, "rb") as f:
        raw = f.read()
    verdicts = []
    for stamp, covered, property_info in {"json": json_stamps, "pdf": pdf_stamps}[kind](raw):
        good = data_hash(stamp) == (hashlib.new("sm3", covered).digest(), property_info)
        verdicts.append("good" if good else "bad")
    print(*verdicts)
    return verdicts and "bad" not in verdicts


if __name__ == "__main__":
    results = [check(sys.argv[1], path) for path in sys.argv[2:]]
    sys.exit(0 if all(results) else 1)
