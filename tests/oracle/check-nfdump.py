#!/usr/bin/env python3
"""nfdump and flowan-dump count the same flows, packets and bytes by the same filters.

check-nfdump.py TOOLS_DIRECTORY: the simulator sends one stream of IPFIX to goflow2 and to
nfcapd; what each wrote down is then asked. Where the languages differ on purpose the test
knows how, and doc/filter.md says why. Skips with a line where goflow2, nfdump or numpy are
missing, and where nfdump is not the version whose ways are known here."""
import csv
import json
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent
FLOWSIM, MAPPING = TESTS / "bench" / "flowsim.py", TESTS / "data" / "field-map.yaml"
GOFLOW2 = "github.com/netsampler/goflow2/v2/cmd/goflow2@v2.2.6"
NFDUMP_VERSION = "1.7.1"
RECORDS, RATES = 20000, (10000, 2000)  # the second rate is for a second try
SKIPPED = 77

# Beside what field-map.yaml prints. The direction is no field of goflow2's own.
MORE_KEYS = ["ip_tos", "tcp_flags", "icmp_type", "icmp_code", "src_vlan", "dst_vlan",
             "src_as", "dst_as", "next_hop", "bgp_next_hop", "forwarding_status",
             "flow_direction"]
DIRECTION = ("{ name: flow_direction, index: 2061, type: varint }",
             "{ field: 61, destination: flow_direction }")

# One a line: the same words, the same answer.
SAME = """
any
ipv4
ipv6
inet
inet6
not ipv4

proto tcp
proto 17
proto icmp
proto gre
proto esp
PROTO TCP AND PORT 443

ip 1.1.1.1
host 8.8.8.8
src ip 8.8.8.8
dst host 1.1.1.1
src or dst ip 9.9.9.9
ip in [1.1.1.1, 8.8.8.8]
src ip in [1.1.1.1 8.8.8.8]
ip in [100.64.0.0/16 2001:db8::/32]
src net 100.64.0.0/14
src net 100.64/10
dst net 35.208.0.0/13
net 10.8.0.0 255.255.0.0
net 100.64.3.7/16
net 104.16/13
src or dst net 10.8.0.0/16
src net 2001:db8::/32
dst net 2c0f:fb50::/32

port 443
port 0
port = 53
port == 53
port eq 53
port 0x1bb
port < 1
src port 53
src port < 1024
dst port >= 50000
src and dst port > 1024
src or dst port 80
port in [80 443 53]
src port in [443]
dst port in [80, 443]

in if 35
out if 35
if 4
not in if 35
in if 35 and out if 4
src vlan 10
dst vlan 20
vlan 4094
vlan 0
vlan 0xa
src mac 2c:c8:1b:ac:cf:81
dst mac dc:2c:6e:8c:c6:f3
mac 2c:c8:1b:ac:cf:82
in src mac 2c:c8:1b:ac:cf:81
in dst mac dc:2c:6e:8c:c6:f3
src mask 16
dst mask 20
mask 12

bytes > 1M
bytes > 10k
bytes < 100
bytes = 85
bytes 2k
bytes gt 1000
bytes lt 100
bytes >= 60000
bytes <= 60
in bytes > 100k
packets > 1k
packets 1
packets > 0x10
packets <= 3
in packets > 100
bps > 1m
bps > 10k
bps < 1000
bps 0
pps > 10
pps > 1k
pps 0
pps < 2
bpp > 1000
bpp > 1k
bpp < 60
bpp = 85
duration > 5000
duration < 1000
duration = 0
duration 250

flags S
flags A
flags SA
flags R
flags U
flags X
flags SAFRPU
flags 27
flags = 2
proto tcp and not flags S
proto tcp and not (flags S or flags F)
tos 40
tos 0x28
src tos 72
tos > 100

src xip 103.153.236.248
dst xip 100.64.23.66
xip 103.153.237.94
nip 100.64.23.66
src nip 103.153.237.94
src xip in [103.153.237.94 103.153.236.248]
xip in [103.153.236.0/24]
src xnet 103.153.236.0/24
dst xnet 10.8.0.0/16
xnet 100.64.0.0/16
not src xip 103.153.237.94
xport 443
src xport 443
dst xport > 50000
nport 53
src nport 53
src port 443 and dst port 443 or src xport 443

icmp-type 8
icmp-type 0
icmp-code 0
icmp-type 8 and icmp-code 0
next ip 10.255.0.4
next ip 2001:db8:ffff::2
next ip in [10.255.0.4 10.255.0.5]
not next ip 10.255.0.4
bgpnext ip 10.255.255.1
bgpnext ip 2001:db8:ffff::ff
router ip 127.0.0.2
router ip 127.0.0.4
flowdir ingress
flowdir egress
flowdir 1

! proto tcp
not not proto tcp
port 53 || port 80
src net 100.64/10 && proto tcp
proto tcp # and nothing else
not (proto tcp or proto udp)
proto tcp and port 80 or port 53
not port 53 and proto udp or proto tcp
proto udp and not port 53 and not port 443
proto tcp and (port 80 or port 443)
not (src port 443 and dst net 100.64.0.0/10) and bytes > 1k
(src net 100.64.0.0/16 or src net 100.65.0.0/16) and dst port 443 and packets > 10
ipv6 and proto tcp and dst port 443
"""

# The same words, and nothing found by either.
NOTHING = ["proto icmp6", "bytes > 1g", "bytes > 1t", "ip 2001:db8::1", "in if 70000",
           "next ip 0.0.0.0", "src and dst net 2001:db8::/32", "proto tcp and flags 0"]

# nfdump's words, and ours for what it means by them; its own words, which ours does not
# know or takes in another way, are not enough.
OTHERWISE = {
    "xip 0.0.0.0": "ipv6",                      # what is not there reads as 0 …
    "xport 0": "ipv6 or xport 0",
    "src nport 0": "ipv6 or src nport 0",
    "mpls label1 0": "any",
    "dst tos 0": "any",                         # … and goflow2 has no tos of the other side
    "fwdstat 64": "not any",                    # nfcapd 1.7.1 does not keep it of IPFIX
    "duration > 5k": "duration > 5s",
    "flags S and not flags AFRPU": "flags = S",
    "not flags SA": "not (flags S or flags A)",
    "proto tcp and not flags AF": "proto tcp and not (flags A or flags F)",
    "proto tcp and not flags AFRPU":
        "proto tcp and not (flags A or flags F or flags R or flags P or flags U)",
}

# Ours, which nfdump refuses, and nfdump's for what it means.
ONLY_OURS = {
    "port != 53": "not (src port 53 and dst port 53)",
    "src port != 53": "not src port 53",
    "src port not in [80 443]": "not src port in [80 443]",
    "dst port 8000-8099": "dst port > 7999 and dst port < 8100",
    "dst port in [443, 8000-8099]": "dst port 443 or (dst port > 7999 and dst port < 8100)",
    "src ip 100.64.0.0/14": "src net 100.64.0.0/14",
    "host 10.8.0.0/16": "net 10.8.0.0/16",
    "ip in [104.16.0.0/13, 2603:1000::/32, 8.8.8.8]":
        "net 104.16.0.0/13 or net 2603:1000::/32 or ip 8.8.8.8",
    "proto in [tcp udp]": "proto tcp or proto udp",
    "proto > 17": "not (proto tcp or proto udp or proto icmp)",
    "if in [4 5]": "if 4 or if 5",
    "in if > 6": "in if 7 or in if 35",
    "src vlan in [10 20]": "src vlan 10 or src vlan 20",
    "vlan > 20": "vlan 4094",
    "src mask in [16 20]": "src mask 16 or src mask 20",
    "src mask < 10": "src mask 8 or src mask 9",
    "src mac in [2c:c8:1b:ac:cf:81]": "src mac 2c:c8:1b:ac:cf:81",
    "tos in [40 72]": "tos 40 or tos 72",
    "bytes in [85 86]": "bytes 85 or bytes 86",
    "packets in [1-3]": "packets > 0 and packets < 4",
    "duration > 5s": "duration > 5000",
    "duration < 300ms": "duration < 300",
    "xport in [80 443]": "xport 80 or xport 443",
    "src nat ip 103.153.236.248": "src xip 103.153.236.248",
    "nat ip 100.64.23.66": "xip 100.64.23.66",
    "nat net 100.64.0.0/16": "xnet 100.64.0.0/16",
    "nnet 10.8.0.0/16": "xnet 10.8.0.0/16",
    "src nat port > 60000": "src xport > 60000",
    "nat port 80": "xport 80",
    "icmp-type > 3": "icmp-type 8",
    "exporter ip 127.0.0.3": "router ip 127.0.0.3",
    "exporter in [127.0.0.2 127.0.0.3]": "router ip 127.0.0.2 or router ip 127.0.0.3",
    "next ip 10.255.0.0/16": "ipv4",
    "bgp next ip 10.255.255.1": "bgpnext ip 10.255.255.1",
}

# Both refuse; and nfdump refuses what finds nothing here.
REFUSED = ["bogus 3", "proto tcp port 80", "(proto tcp", "port", "in if 35 and", "proto nosuch",
           "net 10.8.0.0/255.255.0.0", "src and dst if 35", "bytes => 5"]
NOTHING_OURS = ["port 70000", "dst port = 70000"]

# nfdump 1.7.1 filters AS numbers with a database of places only: its records are asked.
AS_FILTERS = {
    "src as 64500": lambda src, dst: src == 64500,
    "dst as 15169": lambda src, dst: dst == 15169,
    "as 13335": lambda src, dst: 13335 in (src, dst),
    "as 0": lambda src, dst: 0 in (src, dst),
    "src as > 100000": lambda src, dst: src > 100000,
    "as in [15169 4200000001]": lambda src, dst: {src, dst} & {15169, 4200000001},
    "not as 15169": lambda src, dst: 15169 not in (src, dst),
}


def skip(why):
    print("skipped:", why)
    sys.exit(SKIPPED)


# --- the programs --------------------------------------------------------------------

def find_python():
    """A Python with numpy: this one, or the system's, which has the packages of tests/run."""
    for python in (sys.executable, "/usr/bin/python3"):
        if shutil.which(python) and subprocess.run(
                [python, "-c", "import numpy"], capture_output=True, check=False).returncode == 0:
            return python
    return skip("python3 has no numpy, which sends the flows")


def find_goflow2():
    if shutil.which("goflow2"):
        return shutil.which("goflow2")
    if not shutil.which("go"):
        skip("neither goflow2 nor go is there")
    path = subprocess.run(["go", "env", "GOPATH"], capture_output=True, text=True, check=True)
    program = pathlib.Path(path.stdout.strip()) / "bin" / "goflow2"
    if not program.exists():
        try:
            subprocess.run(["go", "install", GOFLOW2], capture_output=True, timeout=60, check=True)
        except (subprocess.SubprocessError, OSError):
            skip("goflow2 cannot be installed")
    return program


def check_nfdump():
    if not shutil.which("nfdump") or not shutil.which("nfcapd"):
        skip("nfdump is not there")
    says = subprocess.run(["nfdump", "-V"], capture_output=True, text=True, check=False)
    if not re.search(rf"(?<![\d.]){re.escape(NFDUMP_VERSION)}(?![\d.])", says.stdout):
        skip(f"the differences known here are of nfdump {NFDUMP_VERSION}, not of "
             f"{says.stdout.strip()}")


# --- collecting ----------------------------------------------------------------------

def write_mapping(path):
    text = MAPPING.read_text(encoding="utf-8")
    field, element = DIRECTION
    for under, lines in (("fields", MORE_KEYS), ("protobuf", [field]), ("mapping", [element])):
        text, count = re.subn(rf"^( *){under}:(?! \*).*\n", lambda found, lines=lines:
                              found[0] + "".join(f"{found[1]}  - {x}\n" for x in lines),
                              text, count=1, flags=re.M)
        if not count:
            sys.exit(f"{MAPPING}: no {under}")
    path.write_text(text, encoding="utf-8")


def free_ports(count):
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def listened_to(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def wait_until(happened, seconds):
    end = time.monotonic() + seconds
    while not happened() and time.monotonic() < end:
        time.sleep(0.05)
    return happened()


def lines_of(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


def end_all(processes):
    for each in processes:
        each.terminate()
    for each in processes:
        try:
            each.wait(10)
        except subprocess.TimeoutExpired:
            each.kill()
            each.wait()


def collect(python, goflow2, rate, directory):
    """The log and the file of flows that the collectors left in the directory, or None
    when one of them lost datagrams."""
    log, flows = directory / "goflow2.log", directory / "flows"
    flows.mkdir(parents=True)
    write_mapping(directory / "map.yaml")
    to_goflow2, to_nfcapd = free_ports(2)
    processes = []
    with open(directory / "messages", "wb") as messages:
        def start(*words):
            processes.append(subprocess.Popen([str(x) for x in words], stdout=messages,
                                              stderr=messages))
        try:
            # One worker: of several, one may meet records before another has their template.
            start(goflow2, "-listen", f"netflow://127.0.0.1:{to_goflow2}?count=1&workers=1",
                  "-transport", "file", "-transport.file", log, "-format", "json",
                  "-addr", "127.0.0.1:0", "-mapping", directory / "map.yaml")
            start("nfcapd", "-b", "127.0.0.1", "-p", to_nfcapd, "-w", flows, "-t", 86400,
                  "-B", 4_000_000)
            if not wait_until(lambda: listened_to(to_goflow2) and listened_to(to_nfcapd), 20):
                sys.exit("a collector does not listen:\n" + (directory / "messages").read_text())
            subprocess.run([python, "-B", FLOWSIM, "--more", "--records", str(RECORDS),
                            "--rate", str(rate), "--ipfix", f"127.0.0.1:{to_goflow2}",
                            "--ipfix", f"127.0.0.1:{to_nfcapd}"],
                           stderr=subprocess.DEVNULL, check=True)
            wait_until(lambda: lines_of(log) >= RECORDS, 10)
        finally:
            end_all(processes)
    files = [x for x in flows.iterdir() if not x.name.startswith(".")]
    got = lines_of(log), sum(ask_nfdump(x, "any")[0] for x in files)
    if got == (RECORDS, RECORDS) and len(files) == 1:
        return log, files[0]
    print(f"of {RECORDS} records goflow2 wrote {got[0]}, nfcapd {got[1]} in {len(files)} files")
    return None


# --- asking --------------------------------------------------------------------------

def ask_nfdump(flows, question):
    """Flows, packets and bytes; a text where nfdump refuses."""
    done = subprocess.run(["nfdump", "-r", flows, "-N", "-o", "null", question],
                          capture_output=True, text=True, check=False)
    found = re.search(r"total flows: (\d+), total bytes: (\d+), total packets: (\d+)",
                      done.stdout)
    if found:
        return int(found[1]), int(found[3]), int(found[2])
    if "No matching flows" in done.stdout:
        return 0, 0, 0
    return (done.stdout + done.stderr).strip() or f"status {done.returncode}"


def ask_ours(tools, path, question):
    done = subprocess.run([tools / "flowan-dump", "--count", "-o", "json", "-f", question, path],
                          capture_output=True, text=True, check=False)
    if done.returncode:
        return done.stderr.strip() or f"status {done.returncode}"
    counted = json.loads(done.stdout)
    return counted["flows"], counted["packets"], counted["bytes"]


def count_as(flows, holds):
    done = subprocess.run(["nfdump", "-r", flows, "-q", "-o", "csv"],
                          capture_output=True, text=True, check=True)
    head = subprocess.run(["nfdump", "-r", flows, "-o", "csv", "-c", "1"],
                          capture_output=True, text=True, check=True).stdout.splitlines()[0]
    sums = [0, 0, 0]
    for row in csv.DictReader(done.stdout.splitlines(), head.split(",")):
        if holds(int(row["sas"]), int(row["das"])):
            for i, value in enumerate((1, int(row["ipkt"]), int(row["ibyt"]))):
                sums[i] += value
    return tuple(sums)


def check(tools, archive, flows):
    """What is not as it should be, a line each, and how many filters were asked."""
    wrong, asked = [], 0

    def expect(holds, what, *answers):
        nonlocal asked
        asked += 1
        if not holds:
            wrong.append(": ".join([what, *map(str, answers)]))

    def theirs(question):
        return ask_nfdump(flows, question)

    def ours(question):
        return ask_ours(tools, archive, question)

    for question in SAME.split("\n"):
        if question:
            a, b = theirs(question), ours(question)
            # What finds nothing would agree too easily.
            expect(a == b and isinstance(a, tuple) and a[0] > 0, question, a, b)
    for question in NOTHING:
        a, b = theirs(question), ours(question)
        expect(a == b == (0, 0, 0), question, a, b)
    for question, meant in OTHERWISE.items():
        a, b, naive = theirs(question), ours(meant), ours(question)
        expect(a == b and isinstance(a, tuple) and naive != a, question, a, b, naive)
    for question, meant in ONLY_OURS.items():
        a, b, naive = theirs(meant), ours(question), theirs(question)
        expect(a == b and isinstance(a, tuple) and a[0] > 0 and isinstance(naive, str),
               question, a, b, naive)
    for question in REFUSED:
        a, b = theirs(question), ours(question)
        expect(isinstance(a, str) and isinstance(b, str), question, a, b)
    for question in NOTHING_OURS:
        a, b = theirs(question), ours(question)
        expect(isinstance(a, str) and b == (0, 0, 0), question, a, b)
    for question, holds in AS_FILTERS.items():
        a, b = count_as(flows, holds), ours(question)
        expect(a == b and a[0] > 0, question, a, b)
    return wrong, asked


def main():
    tools = pathlib.Path(sys.argv[1])
    check_nfdump()
    python, goflow2 = find_python(), find_goflow2()
    with tempfile.TemporaryDirectory(prefix="flowan-test.") as name:
        directory = pathlib.Path(name)
        for rate in RATES:
            got = collect(python, goflow2, rate, directory / str(rate))
            if got:
                break
        else:
            skip("datagrams were lost twice")
        log, flows = got
        archive = directory / "archive"
        subprocess.run([tools / "flowan-archive", "import", "-a", archive, log],
                       stderr=subprocess.DEVNULL, check=True)
        wrong, asked = check(tools, archive, flows)
    for each in wrong:
        print(each)
    if wrong:
        sys.exit(f"{len(wrong)} of {asked} filters are not as they should be")
    print(f"{asked} filters over {RECORDS} flows: as in nfdump, or as is known")


main()
