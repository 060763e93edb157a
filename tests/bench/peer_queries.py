#!/usr/bin/env python3
"""The peers of bench-query: a log in Parquet for DuckDB, and in ClickHouse (chdb), asked in
this process by one thread.

    peer_queries.py duckdb|clickhouse LOG DIRECTORY

loads LOG, which is flowsim.py's, into DIRECTORY, prints an object that says how that went,
and then answers lines on standard input: each has, in JSON, the name of a question and its
values, and is answered by {"ms": …, "cpu_ms": …, "answer": …}, the time by the clock and of
the processor. Both keep what the simulator writes in the types that somebody who knows the
engine would take: Parquet has no addresses, so they are texts there."""
import json
import os
import pathlib
import sys
import time

COLUMNS = {  # of the log: types in Parquet and in ClickHouse
    "type": ("VARCHAR", "LowCardinality(String)"),
    "time_received_ns": ("VARCHAR", "DateTime64(9) CODEC(Delta, ZSTD)"),
    "sequence_num": ("UBIGINT", "UInt32 CODEC(Delta, ZSTD)"),
    "sampling_rate": ("UBIGINT", "UInt64 CODEC(ZSTD)"),
    "sampler_address": ("VARCHAR", "LowCardinality(String)"),
    "time_flow_start_ns": ("UBIGINT", "UInt64 CODEC(Delta, ZSTD)"),
    "time_flow_end_ns": ("UBIGINT", "UInt64 CODEC(Delta, ZSTD)"),
    "bytes": ("UBIGINT", "UInt64 CODEC(ZSTD)"),
    "packets": ("UBIGINT", "UInt64 CODEC(ZSTD)"),
    "src_addr": ("VARCHAR", "IPv6 CODEC(ZSTD)"),
    "src_net": ("VARCHAR", "LowCardinality(String)"),
    "dst_addr": ("VARCHAR", "IPv6 CODEC(ZSTD)"),
    "dst_net": ("VARCHAR", "LowCardinality(String)"),
    "etype": ("VARCHAR", "LowCardinality(String)"),
    "proto": ("VARCHAR", "LowCardinality(String)"),
    "src_port": ("USMALLINT", "UInt16 CODEC(ZSTD)"),
    "dst_port": ("USMALLINT", "UInt16 CODEC(ZSTD)"),
    "in_if": ("UINTEGER", "UInt32 CODEC(ZSTD)"),
    "out_if": ("UINTEGER", "UInt32 CODEC(ZSTD)"),
    "src_mac": ("VARCHAR", "LowCardinality(String)"),
    "dst_mac": ("VARCHAR", "LowCardinality(String)"),
    "icmp_name": ("VARCHAR", "LowCardinality(String)"),
    "post_nat_src_ipv4_address": ("VARCHAR", "String CODEC(ZSTD)"),
    "post_nat_dst_ipv4_address": ("VARCHAR", "String CODEC(ZSTD)"),
    "post_napt_src_transport_port": ("USMALLINT", "UInt16 CODEC(ZSTD)"),
    "post_napt_dst_transport_port": ("USMALLINT", "UInt16 CODEC(ZSTD)"),
}
# What flowan-dump --count prints, with the time that they span, and flows and bytes alone.
COUNT = ("SELECT count(*), sum(packets), sum(bytes), min(time_flow_start_ns),"
         " max(time_flow_end_ns) FROM {table} WHERE ")
SUMS = "SELECT count(*), sum(bytes) FROM {table} WHERE "
# Who had an address and port from a time to another, as flowan-dump --nat asks it: either
# way.
NAT = ("SELECT count(*) FROM {table} WHERE"
       " time_flow_start_ns <= {until} AND time_flow_end_ns >= {since}"
       " AND ((post_nat_src_ipv4_address = '{hex}' AND post_napt_src_transport_port = {port}"
       " AND {source} <> {address}) OR (dst_addr = {address} AND dst_port = {port}"
       " AND {translated}))")


class Duckdb:
    WHICH = ("dst_port = 443 AND (src_addr LIKE '100.64.%' OR src_addr LIKE '100.65.%'"
             " OR src_addr LIKE '100.66.%' OR src_addr LIKE '100.67.%')")
    # As texts, the addresses of 100.64.0.0/14 are those from "100.64." to "100.68.".
    RANGE = "dst_port = 443 AND src_addr >= '100.64.' AND src_addr < '100.68.'"
    QUESTIONS = {
        "count": COUNT + WHICH,
        "sums": SUMS + WHICH,
        "range": SUMS + RANGE,
        "json": "COPY (SELECT * FROM {table}) TO '/dev/null' (FORMAT json)",
        "csv": "COPY (SELECT * FROM {table}) TO '/dev/null' (FORMAT csv, HEADER)",
        "nat": NAT,
    }
    WORDS = {"source": "src_addr", "address": "'{dotted}'",
             "translated": "post_nat_dst_ipv4_address <> '{hex}'"}

    def __init__(self, directory):
        import duckdb
        self.version = duckdb.__version__
        self.connection = duckdb.connect()
        self.connection.execute("SET threads = 1")
        self.file = directory / "log.parquet"
        self.table = f"'{self.file}'"

    def load(self, log):
        columns = ", ".join(f"'{name}': '{types[0]}'" for name, types in COLUMNS.items())
        self.run(f"COPY (SELECT * FROM read_json('{log}', format = 'newline_delimited', "
                 f"columns = {{{columns}}})) TO '{self.file}' (FORMAT parquet, COMPRESSION zstd)")

    def size(self):
        return os.path.getsize(self.file)

    def run(self, query):
        return self.connection.execute(query).fetchall()

    def answer(self, query):
        return [int(x or 0) for x in self.run(query)[0]]


class Clickhouse:
    WHICH = ("dst_port = 443 AND src_addr BETWEEN toIPv6('::ffff:100.64.0.0')"
             " AND toIPv6('::ffff:100.67.255.255')")
    QUESTIONS = {
        "count": COUNT + WHICH,
        "sums": SUMS + WHICH,
        "range": SUMS + WHICH,
        "json": "SELECT * FROM {table} INTO OUTFILE '/dev/null' APPEND FORMAT JSONEachRow",
        "csv": "SELECT * FROM {table} INTO OUTFILE '/dev/null' APPEND FORMAT CSVWithNames",
        "nat": NAT,
    }
    WORDS = {"source": "src_addr", "address": "toIPv6('::ffff:{dotted}')",
             "translated": "post_nat_dst_ipv4_address <> '{hex}'"}

    def __init__(self, directory):
        import chdb
        from chdb import session
        self.version = chdb.__version__
        self.session = session.Session(str(directory / "clickhouse"))
        self.table = "peer.flows"

    def load(self, log):
        columns = ", ".join(f"{name} {types[1]}" for name, types in COLUMNS.items())
        self.session.query("CREATE DATABASE peer")
        self.session.query(f"CREATE TABLE {self.table} ({columns}) ENGINE = MergeTree "
                           "ORDER BY time_received_ns")
        self.session.query(
            f"INSERT INTO {self.table} SELECT * FROM file('{log}', JSONEachRow) SETTINGS "
            "max_threads = 1, max_insert_threads = 1, date_time_input_format = 'best_effort'")
        self.session.query(f"OPTIMIZE TABLE {self.table} FINAL")

    def size(self):
        return self.answer("SELECT sum(bytes_on_disk) FROM system.parts "
                           "WHERE database = 'peer' AND active")[0]

    def run(self, query):
        # without the cache that remembers which parts a condition was false for: all these
        # questions are asked more than once
        return str(self.session.query(
            query + " SETTINGS max_threads = 1, use_query_condition_cache = 0"))

    def answer(self, query):
        return [int(x) for x in self.run(query).strip().split(",")]


def main():
    if len(sys.argv) != 4 or sys.argv[1] not in ("duckdb", "clickhouse"):
        sys.exit(__doc__)
    log, directory = sys.argv[2], pathlib.Path(sys.argv[3])
    peer = {"duckdb": Duckdb, "clickhouse": Clickhouse}[sys.argv[1]](directory)
    start = time.perf_counter()
    peer.load(log)
    took = time.perf_counter() - start
    records = peer.answer(f"SELECT count(*) FROM {peer.table}")[0]
    print(json.dumps({"version": peer.version, "seconds": took, "records": records,
                      "bytes": peer.size()}), flush=True)
    for line in sys.stdin:
        name, values = json.loads(line)
        words = {key: text.format(**values) for key, text in peer.WORDS.items()} \
            if values else {}
        query = peer.QUESTIONS[name].format(table=peer.table, **words, **values)
        answers = name not in ("json", "csv")
        clocks = time.perf_counter(), time.process_time()
        answer = peer.answer(query) if answers else peer.run(query)
        print(json.dumps({"ms": (time.perf_counter() - clocks[0]) * 1e3,
                          "cpu_ms": (time.process_time() - clocks[1]) * 1e3,
                          "answer": answer if answers else None}), flush=True)


main()
