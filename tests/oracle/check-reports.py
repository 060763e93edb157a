#!/usr/bin/env python3
"""Every report's JSON equals the independent computation, to the last flow, packet and byte.

check-reports.py TOOLS_DIRECTORY ASN_DB NETWORKS LOG...: runs each report
over the logs, and over an archive of them, and compares with oracle.py."""
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
TOOLS, ASNS, NETWORKS = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
LOGS = sys.argv[4:]
COMMON = ["--networks", NETWORKS, "--asn-db", ASNS]
REPORTS = [
    ["networks", *COMMON],
    ["networks", *COMMON, "--top", "2", "--order", "flows"],
    ["networks"],
    ["asns", *COMMON],
    ["asns", *COMMON, "--top", "0", "--prefer-asdb", "--raw-counts"],
    ["matrix", *COMMON],
    ["matrix", *COMMON, "--by", "remote_as,local_ip", "--top", "7", "--order", "packets"],
    ["top", *COMMON, "--by", "src_addr/24,proto", "--top", "0"],
    ["top", *COMMON, "--by", "dst_addr/16,48,dst_port"],
    ["top", *COMMON, "--by", "direction,exporter,etype,type", "--top", "0"],
    ["top", *COMMON, "--by", "service,remote_as,local_net", "--default-sampling", "100"],
    ["top", *COMMON, "--by", "hour,in_if", "--top", "50"],
    ["top", *COMMON, "--by", "day,icmp_name,src_net", "--top", "0", "--order", "flows"],
    ["top", *COMMON, "--by", "src_as,dst_as", "--top", "5"],
    ["series", *COMMON, "--bin", "1h"],
    ["series", *COMMON, "--bin", "1d", "--by", "remote_as", "--top", "3", "--scheme", "start"],
]
SOME = 6000  # records of the first log, for what takes another clock or scheme
TIMES = [
    ["series", *COMMON, "--bin", "7m", "--scheme", "proportional"],
    ["series", *COMMON, "--bin", "13s", "--scheme", "uniform", "--by", "direction,proto"],
    ["series", *COMMON, "--bin", "1m", "--scheme", "end", "--by", "local_net", "--top", "0"],
    ["series", *COMMON, "--bin", "1m", "--scheme", "middle", "--raw-counts"],
    ["series", *COMMON, "--bin", "5m", "--clock", "received", "--by", "hour"],
    ["top", *COMMON, "--by", "hour,day", "--clock", "end", "--top", "0"],
]


def run(words, ok):
    done = subprocess.run([str(w) for w in words], capture_output=True)
    return done.stdout if done.returncode in ok else done


def compare(directory, report, inputs, oracle, ok):
    tool = run([TOOLS / "flowan-report", *report, "-o", "json", *inputs], ok)
    if not isinstance(tool, bytes):
        # a series over centuries is refused by both
        if not isinstance(oracle, bytes):
            return True
        print(f"{' '.join(report)}: status {tool.returncode}: {tool.stderr.decode()[-300:]}")
        return False
    if not isinstance(oracle, bytes):
        print(f"{' '.join(report)}: the oracle refuses: {oracle.stderr.decode()[-300:]}")
        return False
    left, right = os.path.join(directory, "tool.json"), os.path.join(directory, "oracle.json")
    pathlib.Path(left).write_bytes(tool)
    pathlib.Path(right).write_bytes(oracle)
    done = subprocess.run([sys.executable, "-B", HERE / "compare.py", left, right],
                          capture_output=True, text=True)
    if done.returncode:
        print(f"{' '.join(report)} {inputs[0]} …:\n{done.stdout[:1500]}{done.stderr[-500:]}")
    return done.returncode == 0


def main():
    bad = 0
    with tempfile.TemporaryDirectory() as directory:
        archive = os.path.join(directory, "archive")
        subprocess.run([TOOLS / "flowan-archive", "import", "-a", archive, "--again", *LOGS],
                       capture_output=True, check=False)
        for report in REPORTS:
            oracle = run([sys.executable, "-B", HERE / "oracle.py", *report, *LOGS], (0,))
            bad += not compare(directory, report, LOGS, oracle, (0, 3))
            bad += not compare(directory, report, [archive], oracle, (0,))
        part = pathlib.Path(directory, "part.json")
        part.write_bytes(run([TOOLS / "flowan-dump", "-o", "exact", "-n", str(SOME), LOGS[0]],
                             (0, 3)))
        for report in TIMES:
            logs = [part, *LOGS[1:]]
            oracle = run([sys.executable, "-B", HERE / "oracle.py", *report, *logs], (0,))
            bad += not compare(directory, report, logs, oracle, (0, 3))
    if bad:
        sys.exit(f"{bad} of {2 * len(REPORTS) + len(TIMES)} differ")
    print(f"{len(REPORTS) + len(TIMES)} reports over {len(LOGS)} logs, from log and archive: "
          "equal")


main()
