#!/usr/bin/env python3
"""The checks of check-exact.py, check-encode.py and check-reports.py over the real logs that lie beside the
checkout, where they do: of many vendors, by every mapping and version of goflow2.

check-real.py TOOLS_DIRECTORY CHECKOUT"""
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
TOOLS, DATA = sys.argv[1], pathlib.Path(sys.argv[2]).parent / "shared" / "data"
SKIPPED = 77


def main():
    logs = sorted((DATA / "real").rglob("*.json"))
    if not logs:
        print("skipped: no shared/data/real beside the checkout")
        sys.exit(SKIPPED)
    subprocess.run([sys.executable, "-B", HERE / "check-exact.py", TOOLS, *logs], check=True)
    # every kind of record, and texts of every kind
    subprocess.run([sys.executable, "-B", HERE / "check-encode.py", TOOLS,
                    DATA / "real" / "mixed.json",
                    *sorted((DATA / "real" / "strings").glob("*.json"))], check=True)
    # all versions in one log, and all of 1.x, whose keys and units are others
    for chosen in ([DATA / "real" / "mixed.json"], sorted((DATA / "real" / "v1").glob("*"))):
        subprocess.run([sys.executable, "-B", HERE / "check-reports.py", TOOLS,
                        DATA / "asn.mmdb", DATA / "networks.txt", *chosen], check=True)


try:
    main()
except subprocess.CalledProcessError as failure:
    sys.exit(failure.returncode)
