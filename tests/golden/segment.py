"""Reads segments by doc/format.md alone: the second reader that the page is held to.

It is slow, reads everything and believes nothing that it can count itself. zstd frames are
unpacked by the command zstd; the rest is the standard library. read_segment() is what others
want; what a block gives back are the texts of its rows. What a value's text looks like is in
rendering.py.
"""

import subprocess

from rendering import Renderer, has_value
from xxh3 import xxh3

M64 = (1 << 64) - 1
TYPES = {"u32": 1, "u64": 2, "time": 3, "mac": 4, "bool": 5, "enum": 6, "prefix": 7,
         "address": 8, "text": 9, "json": 10, "list_u64": 11, "list_address": 12}
WIDTH = {1: 4, 2: 8, 3: 8, 4: 8, 5: 8, 6: 4, 7: 4, 8: 16, 9: 1, 10: 1, 11: 8, 12: 16}
RUNS = (9, 10, 11, 12)
TIME, ADDRESS = 3, 8
WITHOUT_BOUNDS = (TIME, ADDRESS, *RUNS)
NUMBERS = (1, 2, 3, 4, 5, 6, 7)
FITS = {3: (7,), 4: NUMBERS, 5: NUMBERS, 6: (5,), 7: (3,), 8: (8,), 9: (8,), 10: (8,),
        11: (8,), 12: (4,), 13: (6,), 14: (6,), 15: (7,), 16: (7,), 17: (9,), 18: (10,),
        19: (11,), 20: (11,), 21: (12,), 22: (3,), 23: (3,), 24: (8,), 25: (8,), 26: (8,),
        27: (12,), 28: (12,)}
STATS = ("rows", "text_bytes", "received_min", "received_max", "span_min", "span_max",
         "without_time")
# operations of sources
CONSTANT, COPY, STREAM, BEFORE, TIMES, UNIT = range(6)
# kinds of streams
PLAIN, RANKS, KEYED, OFFSET, STEPS, TALKS, TALK_STEPS = range(7)

# what a reader may leave out: extra parts, and items of footers
BOUNDS = 1
SUMMARIES = 1


class Bad(Exception):
    """A sentence about what is wrong."""


def need(condition, sentence):
    if not condition:
        raise Bad(sentence)


class Cursor:
    """Bytes that are read from the front."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def left(self):
        return len(self.data) - self.at

    def take(self, size):
        need(size <= self.left(), "more is asked for than there is")
        self.at += size
        return self.data[self.at - size:self.at]

    def u(self, size):
        return int.from_bytes(self.take(size), "little")

    def varint(self):
        value = 0
        for n in range(10):
            byte = self.u(1)
            value |= (byte & 127) << 7 * n
            if byte < 128:
                need(value <= M64, "varint: more than 64 bits")
                return value
        raise Bad("varint: more than ten bytes")

    def done(self):
        need(self.left() == 0, "bytes are left over")


# --- packed numbers and bytes ----------------------------------------------------------


def zigzag(number):
    """The signed number, modulo 2^64."""
    return (number >> 1 ^ -(number & 1)) & M64


def sums(steps, first=0):
    """Each the step from the one before."""
    numbers = []
    for step in steps:
        first = (first + step) & M64
        numbers.append(first)
    return numbers


def read_bytes(cursor, size):
    frame = cursor.varint()
    if frame == 0:
        return cursor.take(size)
    need(frame < size <= 32768 * frame, "bytes: sizes of a frame")
    done = subprocess.run(["zstd", "-dcq"], input=cursor.take(frame), check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    need(done.returncode == 0 and len(done.stdout) == size, "bytes: a zstd frame")
    return done.stdout


def read_bits(cursor, widths):
    """A number for each width, from the lowest bit of each byte on."""
    data = cursor.take((sum(widths) + 7) // 8)
    numbers, bits, have, at = [], 0, 0, 0
    for width in widths:
        while have < width:
            bits |= data[at] << have
            have, at = have + 8, at + 1
        numbers.append(bits & (1 << width) - 1)
        bits, have = bits >> width, have - width
    need(bits == 0, "bits: more are set than there are")
    return numbers


def least_of_token(token):
    return token if token < 16 else 4 + token % 4 << token // 4 - 2


def read_tokens(cursor, count):
    tokens = read_bytes(cursor, count)
    others = read_bits(cursor, [t // 4 - 2 if t >= 16 else 0 for t in tokens])
    return [least_of_token(t) + other for t, other in zip(tokens, others)]


def read_numbers(cursor, count):
    numbers = []
    while len(numbers) < count:
        size = cursor.varint()
        need(0 < size <= count - len(numbers), "numbers: size of a segment")
        mode = cursor.u(1)
        need(mode in (0, 1, 3), "numbers: mode")
        base = zigzag(cursor.varint()) if mode < 3 else 0
        if mode == 0:
            width = cursor.u(1)
            need(width <= 64, "numbers: width")
            found = read_bits(cursor, [width] * size)
        else:
            found = read_tokens(cursor, size)
        if mode == 3:
            found = map(zigzag, found)
        numbers += [(base + number) & M64 for number in found]
    return numbers


def bucket_size(rank):
    """Of the bucket that begins with that rank."""
    return 1 if rank < 16 else 1 << rank.bit_length() - 3


def read_ranks(cursor):
    """The list. The array that names numbers by their rank is read by itself."""
    count = cursor.varint()
    firsts = []
    rank = 0
    while rank < count:
        firsts.append(rank)
        rank += bucket_size(rank)
    starts = read_numbers(cursor, len(firsts))
    steps = iter(read_numbers(cursor, count - len(firsts)))
    numbers = []
    for rank, start in zip(firsts, starts):
        size = min(bucket_size(rank), count - rank)
        numbers += sums([start] + [next(steps) for _ in range(size - 1)])
    need(len(set(numbers)) == count, "ranks: a number stands twice")
    return numbers


def pick(numbers, ranks):
    need(not ranks or max(ranks) < len(numbers), "a rank behind the list")
    return [numbers[rank] for rank in ranks]


def read_ranked(cursor, count):
    """A list and the rank in it of each of an array's numbers."""
    numbers = read_ranks(cursor)
    need(len(numbers) <= count, "a list that is longer than the array")
    ranks = read_numbers(cursor, count)
    need(not ranks or max(ranks) < len(numbers), "a rank behind the list")
    return numbers, ranks


def read_table(cursor, count):
    form = cursor.u(1)
    need(form <= 2, "table: form")
    if form == 0:
        return read_numbers(cursor, count)
    if form == 1:
        return pick(*read_ranked(cursor, count))
    return sums(read_numbers(cursor, count))


def read_exceptions(cursor, numbers):
    """Puts them into the array that a table gave."""
    count = cursor.varint()
    places = sums(read_numbers(cursor, count))
    values = read_numbers(cursor, count)
    need(places == sorted(set(places)) and all(p < len(numbers) for p in places),
         "exceptions: places")
    for place, value in zip(places, values):
        numbers[place] = value


def read_ranges(cursor, kind):
    """Of a summary: pairs of the lowest and the highest number."""
    numbers, last = [], 0
    while cursor.left():
        step = cursor.varint() if kind == ADDRESS else 0
        low = cursor.varint()
        last = (last >> 64) + step << 64 | low if step else last + low
        numbers.append(last)
    need(len(numbers) % 2 == 0, "summary: half a range")
    need(numbers == sorted(numbers) and
         all(n < 1 << (128 if kind == ADDRESS else 64) for n in numbers), "summary: ranges")
    return list(zip(numbers[::2], numbers[1::2]))


# --- what blocks, footers and headers have in common -----------------------------------


def checked(data, what):
    """The bytes without the checksum at their end."""
    need(len(data) >= 8, f"{what}: too short")
    need(xxh3(data[:-8]) == int.from_bytes(data[-8:], "little"), f"{what}: checksum")
    return Cursor(data[:-8])


def read_stats(cursor):
    return {name: cursor.u(8) for name in STATS}


def read_log(cursor):
    path = cursor.take(cursor.u(4))
    need(path and path[-1] == 0 and 0 not in path[:-1], "path of a log: NUL")
    names = ("device", "inode", "head_hash", "head_size", "offset", "hash", "rows_after")
    log = {name: cursor.u(4 if name in ("head_size", "rows_after") else 8)
           for name in names}
    return {"path": path[:-1], **log}


def read_header(data):
    cursor = checked(data, "header")
    need(cursor.take(8) == b"\x89FLOWAN\n", "header: magic")
    need(cursor.u(4) == 1, "header: version")
    need(cursor.u(4) == 64, "header: size")
    return {"serial": cursor.u(8), "start": cursor.u(8), "length": cursor.u(8),
            "last": cursor.u(8)}


# --- a block ---------------------------------------------------------------------------


class Column:
    def __init__(self, cursor):
        self.name = cursor.take(cursor.varint())
        self.type = cursor.u(1)
        need(self.type in WIDTH, "column: type")
        self.present = cursor.varint()
        self.is_run = self.type in RUNS
        self.items, self.different = 0, 0
        if self.is_run:
            self.items, self.different = cursor.varint(), cursor.varint()
            need(self.different <= self.present + 1, "column: different values")
        self.cells = []  # their numbers
        self.stored = []  # values of a run
        self.values = {}  # by row

    def cell_count(self):
        if self.is_run:
            return 1 if self.different else 0
        return 2 if self.type == 8 else 1

    def read_stored(self, cursor):
        """The part of a column that is a run."""
        count = self.different - 1 if self.different else self.present
        sizes = read_numbers(cursor, count)
        if self.type == 11:
            items = read_numbers(cursor, sum(sizes))
        else:
            width = WIDTH[self.type]
            octets = read_bytes(cursor, sum(sizes) * width)
            items = [octets[at:at + 16] for at in range(0, len(octets), 16)]
            if width == 1:
                items = octets
        at = 0
        for size in sizes:
            self.stored.append(items[at:at + size])
            at += size
        cursor.done()

    def load(self, rows, cells):
        """Values for the rows that have one, of the cells' numbers by row."""
        need(len(rows) == self.present, f"column {self.name}: present")
        if self.is_run:
            self.load_run(rows, cells)
        elif self.type == 8:
            high, low = cells
            for row in rows:
                self.values[row] = (high[row] << 64 | low[row]).to_bytes(16, "big")
        else:
            self.values = {row: cells[0][row] for row in rows}
            need(WIDTH[self.type] == 8 or
                 all(value < 1 << 32 for value in self.values.values()),
                 f"column {self.name}: a number of more than 4 bytes")

    def load_run(self, rows, cells):
        numbers = cells[0] if cells else dict(zip(rows, range(len(rows))))
        for row in rows:
            need(numbers[row] < len(self.stored), f"column {self.name}: no such value")
            self.values[row] = self.stored[numbers[row]]
        need(sum(map(len, self.values.values())) == self.items,
             f"column {self.name}: items")


class Source:
    def __init__(self, cursor):
        self.operation, self.scale = cursor.u(1), cursor.u(1)
        self.cell, self.stream = cursor.varint(), cursor.varint()
        self.second = cursor.varint() - 1
        need(self.operation <= UNIT and self.scale <= 9, "source: operation or scale")
        need(self.second < 0 or self.operation == TIMES, "source: second stream")

    def draws(self):
        """The streams."""
        if self.operation not in (STREAM, BEFORE, TIMES):
            return []
        own = [self.stream]
        return own + [self.second] if self.operation == TIMES and self.second >= 0 else own


class Stream:
    def __init__(self, cursor):
        self.kind = cursor.varint()
        need(self.kind <= TALK_STEPS, "stream: kind")
        self.key = cursor.varint() if self.kind in (KEYED, OFFSET, TALK_STEPS) else None
        self.classes = []  # that draw from it
        self.starts = {}  # of each of these, where its numbers begin
        self.size = 0
        self.list_size = 0  # as a key: how many ranks there are
        self.ranks = None  # as a key: the rank at each place
        self.numbers = None

    def add_class(self, number, rows):
        need(number not in self.starts, "a class draws from a stream twice")
        self.classes.append(number)
        self.starts[number] = self.size
        self.size += rows


class Directory:
    """What section 0 says."""

    def __init__(self, data):
        cursor = Cursor(data)
        self.columns = [Column(cursor) for _ in range(cursor.varint())]
        need(len({(c.name, c.type) for c in self.columns}) == len(self.columns),
             "two columns of one name and type")
        self.owner = []  # the column of each cell
        for column in self.columns:
            for _ in range(column.cell_count()):
                column.cells.append(len(self.owner))
                self.owner.append(column)
        self.spellings = [cursor.take(cursor.u(2)) for _ in range(cursor.varint())]
        need(len(self.spellings) <= 4095, "too many spellings")
        need(all(key and 0 not in key for key in self.spellings), "spelling")
        self.read_shapes(cursor)
        self.text_count, self.text_bytes = cursor.varint(), cursor.varint()
        self.read_labels(cursor)
        self.classes = [divmod(cursor.varint(), 2) for _ in range(cursor.varint())]
        need(all(shape < len(self.shapes) for shape, _ in self.classes), "class: shape")
        need(bool(self.run_count) == bool(self.parents) == bool(self.classes),
             "runs, labels and classes")
        self.read_sources(cursor)
        self.streams = [Stream(cursor) for _ in range(cursor.varint())]
        for stream in self.streams:
            if stream.key is not None:
                need(stream.key < len(self.streams), "stream: key")
                need(self.streams[stream.key].kind in
                     ((TALKS,) if stream.kind == TALK_STEPS else (RANKS, TALKS)),
                     "stream: kind of the key")
        need(sum(s.kind == TALKS for s in self.streams) <= 1, "two streams of talks")
        count = 3 + len(self.streams) + sum(c.is_run for c in self.columns)
        self.parts = [divmod(cursor.varint(), 2) for _ in range(count)]
        self.extras = []  # what each of the last parts is
        for _ in range(cursor.varint()):
            self.extras.append(cursor.varint())
            self.parts.append(divmod(cursor.varint(), 2))
        cursor.done()

    def read_shapes(self, cursor):
        count = cursor.varint()
        lists = Cursor(cursor.take(cursor.varint()))
        self.shapes = []
        for _ in range(count):
            shape = [(lists.u(2), lists.u(1), lists.u(2)) for _ in range(lists.u(2))]
            for column, kind, spelling in shape:
                need(spelling <= len(self.spellings), "shape: no such spelling")
                need(column < len(self.columns), "shape: no such column")
                need(kind <= 2 or self.columns[column].type in FITS.get(kind, ()),
                     "shape: kind and type")
            need(len({column for column, _, _ in shape}) == len(shape),
                 "shape: a column stands twice")
            self.shapes.append(shape)
        lists.done()

    def read_labels(self, cursor):
        self.run_count, count = cursor.varint(), cursor.varint()
        self.parents = [cursor.varint() for _ in range(count)]
        need(all(parent < count for parent in self.parents), "label: parent")
        self.run_cells = [cursor.varint() for _ in range(cursor.varint())]
        self.label_cells = [cursor.varint() for _ in range(cursor.varint())]
        need(len(self.run_cells) <= 2 and len(self.label_cells) <= 2, "cells of runs")
        both = self.run_cells + self.label_cells
        need(len(set(both)) == len(both) and all(c < len(self.owner) for c in both),
             "cells of runs")
        self.label_numbers = [read_numbers(cursor, count) for _ in self.label_cells]

    def has_value(self, shape, column):
        return any(self.columns[c] is column and has_value(kind)
                   for c, kind, _ in self.shapes[shape])

    def read_sources(self, cursor):
        sources = [Source(cursor) for _ in range(cursor.varint())]
        need(all(source.cell < len(self.owner) for source in sources), "source: cell")
        outside = self.run_cells + self.label_cells
        cells = [cell for cell in range(len(self.owner)) if cell not in outside]
        self.entries = {}  # (cell, class) to a source
        for cell in cells:
            for number, (shape, _) in enumerate(self.classes):
                if self.has_value(shape, self.owner[cell]):
                    source = cursor.varint()
                    need(source < len(sources), "entry: source")
                    self.entries[cell, number] = sources[source]
        self.constants = {}
        for cell in cells:
            places = [(cell, number) for number in range(len(self.classes))
                      if (cell, number) in self.entries and
                      self.entries[cell, number].operation == CONSTANT]
            self.constants.update(zip(places, read_numbers(cursor, len(places))))


class Head:
    """Of the block that `data` begins with; it may go on behind the block."""

    def __init__(self, data):
        need(data[:8] == b"FLBLOCK\n" and len(data) >= 104, "block: no magic")
        cursor = Cursor(data)
        cursor.take(8)
        self.head_size, _, self.size = cursor.u(4), cursor.u(4), cursor.u(8)
        need(104 <= self.head_size <= self.size <= len(data), "block: sizes")
        cursor = checked(data[:self.head_size], "head of a block")
        cursor.take(24)
        self.stats = read_stats(cursor)
        section_count, log_count = cursor.u(4), cursor.u(4)
        self.directory_size, _ = cursor.u(4), cursor.u(4)
        need(section_count >= 2, "block: sections")
        self.sections = [(cursor.u(4), cursor.u(8)) for _ in range(section_count)]
        self.logs = [read_log(cursor) for _ in range(log_count)]
        cursor.done()
        need(self.head_size + sum(size for size, _ in self.sections) == self.size,
             "block: sizes of sections")


class Block:
    def __init__(self, data, head=None):
        head = head or Head(data)
        self.size, self.stats, self.logs = head.size, head.stats, head.logs
        self.rows = range(self.stats["rows"])
        body = Cursor(data[head.head_size:self.size])
        self.sections = []
        for size, checksum in head.sections:
            self.sections.append(body.take(size))
            need(xxh3(self.sections[-1]) == checksum, "checksum of a section")
        body.done()
        first = Cursor(self.sections[0])
        self.directory = Directory(read_bytes(first, head.directory_size))
        first.done()
        self.read_parts()
        self.check_stats()

    def cut_parts(self):
        small, large = Cursor(self.sections[1]), iter(self.sections[2:])
        parts = []
        for size, own in self.directory.parts:
            part = next(large, None) if own else small.take(size)
            need(part is not None and len(part) == size, "part: size")
            parts.append(Cursor(part))
        small.done()
        need(next(large, None) is None, "a section without a part")
        return parts

    def read_parts(self):
        parts = iter(self.cut_parts())
        self.read_runs(next(parts))
        self.read_classes(next(parts))
        self.read_texts(next(parts))
        for stream in self.directory.streams:
            stream.part = next(parts)
        for column in self.directory.columns:
            if column.is_run:
                column.read_stored(next(parts))
        self.read_streams()
        self.fill_columns()
        self.has_bounds = self.has_summary = False
        for what, part in zip(self.directory.extras, parts):
            if what == BOUNDS:
                self.check_bounds(part)
                self.has_bounds = True

    # --- part 0: runs ---

    def read_runs(self, part):
        directory = self.directory
        count = directory.run_count
        sizes = read_numbers(part, count)
        need(sum(sizes) == len(self.rows), "runs: rows")
        need(bool(sizes) == bool(self.rows), "runs of no rows")
        runs = {"sizes": sizes, "parents": None, "key": None}
        numbers = [None] * len(directory.run_cells)
        early = part.u(1) if numbers else 0
        need(early in (0, 4), "runs: what comes first")
        if early == 4:
            numbers[0] = self.read_run_cell(part, runs, 4)
        self.label_of = self.read_run_labels(part, runs)
        need(all(label < len(directory.parents) for label in self.label_of),
             "runs: label")
        runs["parents"] = [directory.parents[label] for label in self.label_of]
        for cell, have in enumerate(numbers):
            if have is None:
                numbers[cell] = self.read_run_cell(part, runs)
        part.done()
        self.run_of = [run for run, size in enumerate(sizes) for _ in range(size)]
        self.run_numbers = dict(zip(directory.run_cells, numbers))

    def read_run_labels(self, part, runs):
        mode = part.u(1)
        if mode == 0:
            return read_numbers(part, len(runs["sizes"]))
        need(mode == 5 and runs["key"], "runs: labels")
        return self.read_run_keyed(part, runs)

    @staticmethod
    def read_run_keyed(part, runs):
        numbers, ranks = runs["key"]
        found = pick(read_table(part, len(numbers)), ranks)
        read_exceptions(part, found)
        return found

    def read_run_cell(self, part, runs, mode=None):
        mode = part.u(1) if mode is None else mode
        scale = part.u(1)
        need(mode <= 5 and scale <= 9, "runs: mode or scale")
        count = len(runs["sizes"])
        if mode == 4:
            ranked = read_ranked(part, count)
            runs["key"] = runs["key"] or ranked
            found = pick(*ranked)
        elif mode == 5:
            need(runs["key"], "runs: no ranks to hang on")
            found = self.read_run_keyed(part, runs)
        else:
            found = read_numbers(part, count)
        if mode == 1:
            found = sums(found)
        elif mode in (2, 3):
            found = self.add_run_steps(found, runs, mode == 3)
        return [number * 10**scale & M64 for number in found]

    @staticmethod
    def add_run_steps(steps, runs, with_rows):
        last, found = {}, []
        for step, parent, size in zip(steps, runs["parents"], runs["sizes"]):
            number = (last.get(parent, 0) + step) & M64
            last[parent] = number + size if with_rows else number
            found.append(number)
        return found

    # --- parts 1 and 2 ---

    def read_classes(self, part):
        directory = self.directory
        counts = read_numbers(part, len(directory.parents))
        need(sum(counts) <= len(self.rows), "classes: more than rows")
        lists = iter(read_numbers(part, sum(counts)))
        lists = [[next(lists) for _ in range(count)] for count in counts]
        of_label = [[] for _ in counts]
        for row in self.rows:
            of_label[self.label_of[self.run_of[row]]].append(row)
        numbers = iter(read_numbers(part, len(self.rows)))
        part.done()
        self.class_of = [None for _ in self.rows]
        for rows, classes in zip(of_label, lists):
            for row in rows:
                number = next(numbers)
                need(number < len(classes), "row: no such class")
                self.class_of[row] = classes[number]
        need(all(c < len(directory.classes) for c in self.class_of), "row: class")
        self.class_rows = [[] for _ in directory.classes]
        self.place = []  # of each row among those of its class
        for row, number in enumerate(self.class_of):
            self.place.append(len(self.class_rows[number]))
            self.class_rows[number].append(row)

    def read_texts(self, part):
        self.texts = {}
        count = self.directory.text_count
        if count:
            rows = sums(read_numbers(part, count))
            sizes = read_numbers(part, count)
            octets = Cursor(read_bytes(part, self.directory.text_bytes))
            need(rows == sorted(set(rows)) and rows[-1] in self.rows, "texts: rows")
            self.texts = {row: octets.take(size) for row, size in zip(rows, sizes)}
            octets.done()
        else:
            need(self.directory.text_bytes == 0, "texts: bytes without a text")
        part.done()

    # --- streams ---

    def read_streams(self):
        directory = self.directory
        for number, (_, talks) in enumerate(directory.classes):
            rows = len(self.class_rows[number])
            drawn = [stream for (cell, c), source in directory.entries.items()
                     if c == number for stream in source.draws()]
            need(all(stream < len(directory.streams) and
                     directory.streams[stream].kind != TALKS for stream in drawn),
                 "source: stream")
            if talks:
                talk_stream = [n for n, s in enumerate(directory.streams)
                               if s.kind == TALKS]
                need(talk_stream, "conversations without a stream")
                drawn += talk_stream
            for stream in drawn:
                directory.streams[stream].add_class(number, rows)
        self.other_cell = {}  # (stream of kind offset, class) to a cell
        for (_, c), source in directory.entries.items():
            for stream in source.draws():
                if directory.streams[stream].kind == OFFSET:
                    need(source.operation == STREAM, "source: an offset stream")
                    self.other_cell[stream, c] = source.cell
        self.cells = {}  # (cell, class) to its numbers
        self.doing = []
        for stream in directory.streams:
            if stream.key is None:
                self.read_own(stream)
        for number, stream in enumerate(directory.streams):
            if stream.key is not None:
                self.check_key(stream)
                if stream.kind != OFFSET:
                    self.read_keyed(stream)
                    stream.part.done()
        for number, stream in enumerate(directory.streams):
            if stream.kind == OFFSET:
                self.read_offset(number, stream)

    def check_key(self, stream):
        key = self.directory.streams[stream.key]
        need(all(c in key.starts for c in stream.classes), "a stream without its key")

    def read_own(self, stream):
        """A stream that hangs on no other."""
        if stream.kind == RANKS:
            numbers, stream.ranks = read_ranked(stream.part, stream.size)
            stream.list_size = len(numbers)
            stream.numbers = pick(numbers, stream.ranks)
        elif stream.kind == TALKS:
            self.read_talks(stream)
        else:
            stream.numbers = read_numbers(stream.part, stream.size)
        if stream.kind == STEPS:
            steps, stream.numbers = stream.numbers, []
            for c in stream.classes:
                at = stream.starts[c]
                stream.numbers += sums(steps[at:at + len(self.class_rows[c])])
        stream.part.done()

    def row_order(self, stream):
        """The rows that draw, and the place of what each draws."""
        for row in self.rows:
            if self.class_of[row] in stream.starts:
                yield row, stream.starts[self.class_of[row]] + self.place[row]

    def read_talks(self, stream):
        backs = read_numbers(stream.part, stream.size)
        talks = []  # in order of rows
        for back in backs:
            need(back <= len(talks), "conversation: too far back")
            if back == 0:
                talks.append(stream.list_size)
                stream.list_size += 1
            else:
                talks.append(talks[-back])
        stream.ranks = [None] * stream.size
        for (_, place), talk in zip(self.row_order(stream), talks):
            stream.ranks[place] = talk

    def key_ranks(self, stream):
        key = self.directory.streams[stream.key]
        ranks = []
        for c in stream.classes:
            ranks += key.ranks[key.starts[c]:key.starts[c] + len(self.class_rows[c])]
        return key.list_size, ranks

    def read_keyed(self, stream):
        list_size, ranks = self.key_ranks(stream)
        if stream.kind == KEYED:
            stream.numbers = pick(read_table(stream.part, list_size), ranks)
            read_exceptions(stream.part, stream.numbers)
            return
        steps = read_numbers(stream.part, stream.size)
        stream.numbers = [None] * stream.size
        last, before = {}, 0
        for (_, place), step in zip(self.row_order(stream), steps):
            talk = ranks[place]
            before = (last.get(talk, before) + step) & M64
            last[talk] = before
            stream.numbers[place] = before

    def read_offset(self, number, stream):
        """Leaves what is the other cell's as the cell."""
        list_size, ranks = self.key_ranks(stream)
        table = pick(read_table(stream.part, list_size), ranks)
        more = iter(read_numbers(stream.part, sum(t != 0 for t in table)))
        stream.part.done()
        stream.numbers = [(t - 1 + next(more)) & M64 if t else None for t in table]

    # --- cells ---

    def draw(self, number, c):
        stream = self.directory.streams[number]
        at = stream.starts[c]
        drawn = stream.numbers[at:at + len(self.class_rows[c])]
        if stream.kind != OFFSET:
            return drawn
        if None not in drawn:
            return drawn
        other = self.cell_of_class(self.other_cell[number, c], c)
        return [o if n is None else n for n, o in zip(drawn, other)]

    def cell_of_class(self, cell, c):
        """Its numbers in all rows of the class."""
        if (cell, c) not in self.cells:
            need(cell not in self.doing, "a cell is told by itself")
            need(len(self.doing) < 4, "a cell is told over too many others")
            self.doing.append(cell)
            self.cells[cell, c] = self.make_cell(cell, c)
            self.doing.pop()
        return self.cells[cell, c]

    def make_cell(self, cell, c):
        directory = self.directory
        rows = self.class_rows[c]
        if cell in directory.run_cells:
            return [self.run_numbers[cell][self.run_of[row]] for row in rows]
        if cell in directory.label_cells:
            numbers = directory.label_numbers[directory.label_cells.index(cell)]
            return [numbers[self.label_of[self.run_of[row]]] for row in rows]
        need((cell, c) in directory.entries, "a cell that the class does not have")
        source = directory.entries[cell, c]
        unit = 10**source.scale
        if source.operation == CONSTANT:
            return [directory.constants[cell, c]] * len(rows)
        if source.operation == STREAM:
            return [n * unit & M64 for n in self.draw(source.stream, c)]
        other = self.cell_of_class(source.cell, c)
        if source.operation == COPY:
            return other
        if source.operation == UNIT:
            return [o // unit for o in other]
        drawn = self.draw(source.stream, c)
        if source.operation == BEFORE:
            return [(o // unit - n) * unit & M64 for o, n in zip(other, drawn)]
        more = self.draw(source.second, c) if source.second >= 0 else [0] * len(rows)
        return [o * n + m & M64 for o, n, m in zip(other, drawn, more)]

    def fill_columns(self):
        directory = self.directory
        for column in directory.columns:
            having = [c for c, (shape, _) in enumerate(directory.classes)
                      if directory.has_value(shape, column)]
            rows = sorted(row for c in having for row in self.class_rows[c])
            cells = []
            for cell in column.cells:
                cells.append({row: number for c in having for row, number in
                              zip(self.class_rows[c], self.cell_of_class(cell, c))})
            column.load(rows, cells)

    # --- what a question can be answered by, which must be true ---

    def check_bounds(self, part):
        directory = self.directory
        rows = read_numbers(part, len(directory.classes))
        need(rows == [len(rows) for rows in self.class_rows], "bounds: rows of classes")
        entries = [(cell, c) for (cell, c), source in directory.entries.items()
                   if source.operation not in (CONSTANT, COPY) and
                   directory.owner[cell].type not in WITHOUT_BOUNDS]
        lows = read_numbers(part, len(entries))
        widths = read_numbers(part, len(entries))
        part.done()
        need(all(t < 256 for t in lows) and all(t <= 256 for t in widths), "bounds: token")
        bounds = []
        for (cell, c), low, width in zip(entries, map(least_of_token, lows), widths):
            high = min(low + least_of_token(width), M64) if width < 256 else M64
            need(all(low <= n <= high for n in self.cell_of_class(cell, c)),
                 f"bounds: cell {cell} of class {c}")
            bounds += [low, high]
        return rows + bounds

    def check_summary(self, cursor):
        columns = {(c.name, c.type): c for c in self.directory.columns}
        for _ in range(cursor.varint()):
            name = cursor.take(cursor.varint())
            column = columns.pop((name, cursor.u(1)), None)
            need(column, f"summary: the block has no column {name}, or it stands twice")
            flags = cursor.u(1)
            need((flags & 1) == (column.present == len(self.rows)), "summary: every row")
            if flags & 2:
                need(not column.is_run, "summary: ranges of a run")
                ranges = read_ranges(Cursor(cursor.take(cursor.varint())), column.type)
                values = [int.from_bytes(v, "big") if column.type == 8 else v
                          for v in column.values.values()]
                need(all(any(low <= v <= high for low, high in ranges) for v in values),
                     f"summary: a value of {name} is in no range")
        need(not columns, f"summary: nothing of {list(columns)}")
        cursor.done()

    # --- back to JSON ---

    def column(self, name, kind):
        """The values by row of the column of that name and type, {} where there is none."""
        for column in self.directory.columns:
            if (column.name, column.type) == (name, TYPES[kind]):
                return column.values
        return {}

    def shape_of(self, row):
        return self.directory.shapes[self.directory.classes[self.class_of[row]][0]]

    def text(self, row, names):
        if row in self.texts:
            return self.texts[row]
        render = Renderer(names, row, self.column)
        fields = []
        for number, kind, spelling in self.shape_of(row):
            column = self.directory.columns[number]
            key = self.directory.spellings[spelling - 1] if spelling else column.name
            value = render.value(column.name, kind, column.values.get(row))
            fields.append(b'"' + key + b'":' + value)
        return b"{" + b",".join(fields) + b"}"

    def check_stats(self):
        times = [time for time in self.column(b"time_received_ns", "time").values()
                 if 0 < time < 1 << 63]
        need(self.stats["received_min"] == min(times, default=M64) and
             self.stats["received_max"] == max(times, default=0), "receive times")


# --- a segment -------------------------------------------------------------------------


def read_items(cursor, blocks):
    """What stands behind the log states."""
    while cursor.left():
        what = cursor.varint()
        item = Cursor(cursor.take(cursor.varint()))
        if what != SUMMARIES:
            continue
        for block in blocks:
            size = item.varint()
            if size:
                block.check_summary(Cursor(item.take(size)))
                block.has_summary = True
        item.done()


def read_segment(data):
    """The blocks by the footer, and the log states."""
    header = read_header(data[:64])
    trailer = checked(data[-32:], "trailer")
    offset, size = trailer.u(8), trailer.u(8)
    need(trailer.take(8) == b"FLOWEND\n", "trailer: magic")
    need(offset + size + 32 == len(data), "trailer: place of the footer")
    footer = checked(data[offset:offset + size], "footer")
    need(footer.take(8) == b"FLINDEX\n", "footer: magic")
    block_count, log_count, rest, _ = footer.u(4), footer.u(4), footer.u(4), footer.u(4)
    blocks, at = [], 64
    for _ in range(block_count):
        need(footer.u(8) == at, "footer: a block is not where it should be")
        block = Block(data[at:offset])
        need(footer.u(8) == block.size, "footer: size of a block")
        need(read_stats(footer) == block.stats, "footer: statistics of a block")
        blocks.append(block)
        at += block.size
    need(at == offset, "bytes between the last block and the footer")
    logs = [read_log(footer) for _ in range(log_count)]
    read_items(Cursor(footer.take(rest)), blocks)
    footer.done()
    return header, blocks, logs


def read_unfinished(data):
    """Likewise of a segment without a footer; damage costs the block that it hit."""
    header = read_header(data[:64])
    blocks, logs, at = [], {}, 64
    while at < len(data):
        try:
            head = Head(data[at:])
        except Bad:
            at = data.find(b"FLBLOCK\n", at + 1)
            if at < 0:
                break
            continue
        for log in head.logs:
            key = tuple(log[name] for name in ("device", "inode", "head_hash", "head_size"))
            logs[key] = log
        try:
            blocks.append(Block(data[at:], head))
        except Bad:
            pass
        at += head.size
    return header, blocks, list(logs.values())
