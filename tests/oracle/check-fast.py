#!/usr/bin/env python3
"""check-fast over logs that are not in the checkout.

check-fast.py PROGRAM simulator        a run of tests/bench/flowsim.py
check-fast.py PROGRAM real CHECKOUT    the real logs beside the checkout
"""
import importlib.util
import pathlib
import subprocess
import sys
import tempfile

FLOWSIM = pathlib.Path(__file__).resolve().parent.parent / "bench" / "flowsim.py"
RECORDS = 20000
SKIPPED = 77


def skip(why):
    print("skipped:", why)
    sys.exit(SKIPPED)


def simulator(program):
    if importlib.util.find_spec("numpy") is None:
        skip("the simulator needs numpy")
    with tempfile.TemporaryDirectory(prefix="flowan-test.") as directory:
        log = pathlib.Path(directory) / "simulated.json"
        subprocess.run([sys.executable, "-B", FLOWSIM, "--records", str(RECORDS),
                        "--json", log], check=True, stdout=subprocess.DEVNULL)
        return subprocess.run([program, log], check=False).returncode


def real(program, checkout):
    data = pathlib.Path(checkout).parent / "shared" / "data"
    logs = sorted((data / "real").rglob("*.json"))
    if not logs:
        skip("no shared/data/real beside the checkout")
    return subprocess.run([program, *logs], check=False).returncode


result = {"simulator": simulator, "real": real}[sys.argv[2]](sys.argv[1], *sys.argv[3:])
sys.exit(1 if result else 0)
