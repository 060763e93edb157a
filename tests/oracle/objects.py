"""The JSON objects of a log, byte for byte, found by Python's json: what an exact dump must give."""
import json
import subprocess

# Bytes stand for themselves as Latin-1 characters, so that text which is no UTF-8 survives.
DECODER = json.JSONDecoder(strict=True)


def contents(path):
    """The bytes of a log, decompressed where it is gzip or zstd."""
    with open(path, "rb") as file:
        data = file.read()
    if data[:2] == b"\x1f\x8b":
        return subprocess.run(["gzip", "-dc", path], check=True, capture_output=True).stdout
    if data[:4] == b"\x28\xb5\x2f\xfd":
        return subprocess.run(["zstd", "-dcq", path], check=True, capture_output=True).stdout
    return data


def objects(data):
    """Yields (text, value) of each object. A line feed ends an object; behind what does not
    parse the next brace of the line is tried."""
    for line in data.split(b"\n"):
        text = line.decode("latin-1")
        at = 0
        while True:
            at = text.find("{", at)
            if at < 0:
                break
            try:
                value, end = DECODER.raw_decode(text, at)
            except (ValueError, RecursionError):
                at += 1
                continue
            yield text[at:end].encode("latin-1"), value
            at = end
