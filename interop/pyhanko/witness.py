"""What pyHanko reads of our PDF stamps, and what it makes of a companion signature.

witness.py ranges FILE: a line for each signature, with tabs between: field, sub-filter, byte range.
witness.py valid [FILE ROOT] ...: a line for each file, whose last signature that is no seal of profile ses is judged with ROOT (PEM)
as the one anchor: "good", "refused: why", or "cannot: why" where pyHanko does not come to an end.
"""
import asyncio
import sys

from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation import EmbeddedPdfSignature, async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext


def signatures(reader):
    for name, value, ref in enumerate_sig_fields(reader):
        if value is not None:
            yield name, value.get_object(), ref.get_object()


def ranges(reader):
    for name, value, _ in signatures(reader):
        print(name, value["/SubFilter"], [int(n) for n in value["/ByteRange"]], sep="\t")


def valid(reader, root):
    context = ValidationContext(trust_roots=[load_cert_from_pemder(root)], allow_fetching=False)
    companions = [(n, f) for n, v, f in signatures(reader) if v["/SubFilter"] != "/GM.sm2seal" and v.get("/Type") != "/DocTimeStamp"]
    if not companions:
        return "cannot: no companion"
    name, field = companions[-1]
    try:
        status = asyncio.run(async_validate_pdf_signature(EmbeddedPdfSignature(reader, field, name), signer_validation_context=context))
    except AttributeError as e:  # of a digest that its library does not know
        return f"cannot: {e}"
    if status.bottom_line and status.intact and status.trusted:
        return "good"
    return f"refused: {status.summary()}"


if sys.argv[1] == "ranges":
    with open(sys.argv[2], "rb") as file:
        ranges(PdfFileReader(file, strict=True))
else:
    for path, root in zip(sys.argv[2::2], sys.argv[3::2]):
        with open(path, "rb") as file:
            print(valid(PdfFileReader(file, strict=True), root))
