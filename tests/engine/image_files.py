"""Make and read pictures without the code under test: OpenImageIO bare, and PNG by hand."""

import struct
import zlib

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - the name that its own documentation uses

NAMES = {1: ("Y",), 2: ("Y", "A"), 3: ("R", "G", "B"), 4: ("R", "G", "B", "A")}
ICC_PROFILE = b"".join(
    (
        struct.pack(">I", 388),
        b"lcms\x04\0\0\0mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28),
        struct.pack(">III", 0xF6D6, 0x10000, 0xD32D),
        bytes(48 + 4),
        np.random.default_rng(9).bytes(256),
    )
)
"""A D50 display profile without tags; libpng reads none that compresses to a few bytes."""

_TYPES = {
    "ICCProfile": oiio.TypeDesc(f"uint8[{len(ICC_PROFILE)}]"),
    "chromaticities": oiio.TypeDesc("float[8]"),
    "smpte:TimeCode": oiio.TypeTimeCode,
}
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_COLOUR_TYPE = {1: 0, 2: 4, 3: 2, 4: 6}
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def random_codes(bits, channels, size=(18, 22), seed=0):
    """Random codes of `bits`, the corner transparent black-hole: alpha 0 under full colours."""
    codes = np.random.default_rng(seed).integers(0, 1 << bits, (*size, channels))
    codes[0, 0] = (1 << bits) - 1
    if channels in (2, 4):
        codes[0, 0, -1] = 0
    return codes.astype(np.uint8 if bits == 8 else np.uint16)


def random_floats(channels, dtype=np.float32, size=(18, 22)):
    """Random values from -0.5 to 8, as scene-linear pictures have them."""
    return (np.random.default_rng(2).random((*size, channels)) * 8.5 - 0.5).astype(dtype)


def spread(codes, bits):
    """Codes of 10 or 12 bits the way that OpenImageIO takes them, over 16."""
    return ((codes << (16 - bits)) | (codes >> (2 * bits - 16))).astype(np.uint16)


def save(path, native, attributes=None, **fields):
    """Write an array as it is; straight alpha unless the format decides otherwise."""
    height, width, channels = native.shape
    kind = {"uint8": "uint8", "uint16": "uint16", "float16": "half", "float32": "float"}
    spec = oiio.ImageSpec(width, height, channels, kind[native.dtype.name])
    spec.channelnames = NAMES.get(channels, ())
    spec.alpha_channel = channels - 1 if channels in (2, 4) else -1
    for name, value in fields.items():
        setattr(spec, name, value)
    spec.attribute("oiio:UnassociatedAlpha", 1)
    for name, value in (attributes or {}).items():
        if name in _TYPES:
            spec.attribute(name, _TYPES[name], value)
        else:
            spec.attribute(name, value)
    target = oiio.ImageOutput.create(path.suffix[1:])
    assert target.open(str(path), spec), target.geterror()
    assert target.write_image(native), target.geterror()
    assert target.close()
    target.geterror()
    return path


def load(path):
    """Array as stored (straight alpha left straight), and the metadata."""
    config = oiio.ImageSpec()
    config.attribute("oiio:UnassociatedAlpha", 1)
    source = oiio.ImageInput.open(str(path), config)
    assert source is not None, oiio.geterror()
    spec = source.spec()
    native = source.read_image(0, spec.nchannels, spec.format)
    # A profile's empty strings would end the process (OpenImageIO 3.0.21).
    metadata = {
        item.name: item.value
        for item in spec.extra_attribs
        if not item.name.startswith("ICCProfile")
    }
    if (profile := spec.getattribute("ICCProfile")) is not None:
        metadata["ICCProfile"] = bytes(profile)
    # How rows are grouped in a TIFF is the writer's choice.
    metadata.pop("tiff:RowsPerStrip", None)
    source.close()
    return native, metadata


def png_bytes(rows, bits, colour_type, extra=()):
    """A PNG of unfiltered `rows` (bytes each), with `extra` (name, data) chunks before them."""
    channels = _PNG_CHANNELS[colour_type]
    width = len(rows[0]) * 8 // (bits * channels)
    header = struct.pack(">IIBBBBB", width, len(rows), bits, colour_type, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    chunks = [(b"IHDR", header), *extra, (b"IDAT", data), (b"IEND", b"")]
    return _PNG_SIGNATURE + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


def encode_png(codes, extra=()):
    """A PNG of (H, W, C) codes, 8 or 16 bit by their dtype."""
    bits = codes.dtype.itemsize * 8
    rows = [row.astype(codes.dtype.newbyteorder(">")).tobytes() for row in codes]
    return png_bytes(rows, bits, _PNG_COLOUR_TYPE[codes.shape[2]], extra)


def decode_png(data):
    """(H, W, C) codes of a non-interlaced 8- or 16-bit PNG, by the PNG specification."""
    assert data.startswith(_PNG_SIGNATURE)
    chunks, position = [], len(_PNG_SIGNATURE)
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        name, body = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        assert struct.unpack_from(">I", data, position + 8 + length) == (zlib.crc32(name + body),)
        chunks.append((name, body))
        position += 12 + length
    assert chunks[-1] == (b"IEND", b"")
    width, height, bits, colour_type, *rest = struct.unpack(">IIBBBBB", chunks[0][1])
    assert rest == [0, 0, 0]
    channels = _PNG_CHANNELS[colour_type]
    assert colour_type != 3
    step = channels * bits // 8
    raw = zlib.decompress(b"".join(body for name, body in chunks if name == b"IDAT"))
    rows = _unfilter(raw, height, width * step, step)
    dtype = np.dtype(np.uint8 if bits == 8 else ">u2")
    codes = np.frombuffer(b"".join(rows), dtype).reshape(height, width, channels)
    return codes.astype(dtype.newbyteorder("="))


def _unfilter(raw, height, stride, step):
    previous, rows = bytes(stride), []
    for y in range(height):
        line = raw[y * (stride + 1) : (y + 1) * (stride + 1)]
        row = bytearray(line[1:])
        for x in range(stride):
            left = row[x - step] if x >= step else 0
            corner = previous[x - step] if x >= step else 0
            row[x] = (row[x] + _predict(line[0], left, previous[x], corner)) & 255
        previous = bytes(row)
        rows.append(previous)
    return rows


def _predict(kind, left, up, corner):
    if kind < 4:
        return (0, left, up, (left + up) // 2)[kind]
    estimate = left + up - corner
    return min((left, up, corner), key=lambda value: abs(estimate - value))


def animated_webp(path):
    """A WebP of two frames."""
    frames = []
    for value in (10, 200):
        still = path.with_name("still.webp")
        save(still, np.full((8, 8, 3), value, np.uint8), {"compression": "lossless"})
        data = still.read_bytes()
        frames.append(data[data.index(b"VP8L") :])

    def chunk(name, body):
        return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)

    side = struct.pack("<I", 7)[:3]
    timing = bytes(6) + side * 2 + bytes((100, 0, 0, 0))
    body = b"WEBP" + chunk(b"VP8X", bytes((2, 0, 0, 0)) + side * 2) + chunk(b"ANIM", bytes(6))
    body += b"".join(chunk(b"ANMF", timing + frame) for frame in frames)
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path
