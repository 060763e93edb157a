"""XXH3-64 with seed 0, by the specification of xxHash, in nothing but Python: slow, and
owing nothing to the library whose checksums it looks at."""

import struct

M64 = (1 << 64) - 1
P32_1, P32_2, P32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
P1, P2, P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
P4, P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
MX1, MX2 = 0x165667919E3779F9, 0x9FB21C651E98DF25
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e"
)


def r32(data, at):
    return struct.unpack_from("<I", data, at)[0]


def r64(data, at):
    return struct.unpack_from("<Q", data, at)[0]


def fold(a, b):
    product = a * b
    return (product & M64) ^ (product >> 64)


def rotate(x, bits):
    return (x << bits | x >> (64 - bits)) & M64


def swap(x, size):
    return int.from_bytes(x.to_bytes(size, "little"), "big")


def avalanche(h):
    h ^= h >> 37
    h = h * MX1 & M64
    return h ^ h >> 32


def avalanche_old(h):
    h ^= h >> 33
    h = h * P2 & M64
    h ^= h >> 29
    h = h * P3 & M64
    return h ^ h >> 32


def mix16(data, at, secret):
    return fold(r64(data, at) ^ r64(SECRET, secret),
                r64(data, at + 8) ^ r64(SECRET, secret + 8))


def hash_short(data):
    size = len(data)
    if size == 0:
        return avalanche_old(r64(SECRET, 56) ^ r64(SECRET, 64))
    if size <= 3:
        both = data[0] << 16 | data[size >> 1] << 24 | data[-1] | size << 8
        return avalanche_old(both ^ r32(SECRET, 0) ^ r32(SECRET, 4))
    if size <= 8:
        h = (r32(data, size - 4) + (r32(data, 0) << 32)) & M64
        h ^= r64(SECRET, 8) ^ r64(SECRET, 16)
        h ^= rotate(h, 49) ^ rotate(h, 24)
        h = h * MX2 & M64
        h ^= (h >> 35) + size
        h = h * MX2 & M64
        return h ^ h >> 28
    low = r64(data, 0) ^ r64(SECRET, 24) ^ r64(SECRET, 32)
    high = r64(data, size - 8) ^ r64(SECRET, 40) ^ r64(SECRET, 48)
    return avalanche((size + swap(low, 8) + high + fold(low, high)) & M64)


def hash_middle(data):
    size = len(data)
    h = size * P1
    if size <= 128:
        for i in range((size - 1) // 32, -1, -1):
            h += mix16(data, 16 * i, 32 * i)
            h += mix16(data, size - 16 * (i + 1), 32 * i + 16)
        return avalanche(h & M64)
    for i in range(8):
        h += mix16(data, 16 * i, 16 * i)
    h = avalanche(h & M64)
    for i in range(8, size // 16):
        h += mix16(data, 16 * i, 16 * (i - 8) + 3)
    h += mix16(data, size - 16, 136 - 17)
    return avalanche(h & M64)


def add_stripe(lanes, data, at, secret):
    for i in range(8):
        value = r64(data, at + 8 * i)
        keyed = value ^ r64(SECRET, secret + 8 * i)
        lanes[i ^ 1] = (lanes[i ^ 1] + value) & M64
        lanes[i] = (lanes[i] + (keyed & 0xFFFFFFFF) * (keyed >> 32)) & M64


def hash_long(data):
    size = len(data)
    lanes = [P32_3, P1, P2, P3, P4, P32_2, P5, P32_1]
    stripes = (size - 1) // 64  # the last 64 bytes come once more at the end
    for n in range(stripes):
        add_stripe(lanes, data, 64 * n, 8 * (n % 16))
        if n % 16 == 15:
            for i in range(8):
                h = lanes[i]
                h ^= h >> 47
                h ^= r64(SECRET, 128 + 8 * i)
                lanes[i] = h * P32_1 & M64
    add_stripe(lanes, data, size - 64, 192 - 64 - 7)
    h = size * P1
    for i in range(4):
        h += fold(lanes[2 * i] ^ r64(SECRET, 11 + 16 * i),
                  lanes[2 * i + 1] ^ r64(SECRET, 19 + 16 * i))
    return avalanche(h & M64)


def xxh3(data):
    if len(data) <= 16:
        return hash_short(data)
    return hash_middle(data) if len(data) <= 240 else hash_long(data)


# Of the first n bytes of 0, 7, 14, … modulo 256; taken from the reference implementation.
KNOWN_HASHES = {
    0: 0x2d06800538d394c2, 1: 0xc44bdff4074eecdb, 2: 0x9093381c8763d62e,
    3: 0xc3489259e968ad9e, 4: 0xd3d60c1519014e89, 7: 0x0ffc4827844c63a6,
    8: 0xb88dee77f6bf6980, 9: 0x03688dcad730d826, 15: 0x2e52bc81c6a30fa3,
    16: 0x9da23836adf2be1e, 17: 0xf34c3c9cf5a112d1, 31: 0x1c67766271b95c64,
    32: 0x99cb9ad0f1a11fbe, 33: 0xc077b45492d29cde, 64: 0x6efb76ff16f37561,
    65: 0x2640848e9137156b, 96: 0x764d2d5db92942df, 97: 0x077acb7e5f4fd940,
    127: 0x92113fc28f4b970c, 128: 0x65f3c2c00fa93185, 129: 0x28065c6ec25f5b25,
    144: 0x600e8d345ff9620d, 239: 0x6ce0b13191e635ea, 240: 0x4917a75c0ef8eed7,
    241: 0x541b19226f0052e8, 256: 0xff5a1cefade75bb9, 320: 0x35e81fc050847c13,
    1023: 0x2cc3eb48d98f537f, 1024: 0xdc5acf0b043c445b, 1025: 0xe1d9cd946277ae26,
    1088: 0x4a9c221912b93194, 1089: 0x0e6de48c4a6482d5, 2048: 0x848d24cc268f7498,
    2049: 0xc757a52bb931999d, 4100: 0x39e3b140eae53293,
}


def check_hash():
    data = bytes(7 * i & 255 for i in range(max(KNOWN_HASHES)))
    for size, known in KNOWN_HASHES.items():
        if xxh3(data[:size]) != known:
            raise AssertionError(f"XXH3-64 of {size} bytes is wrong")
