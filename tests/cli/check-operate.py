#!/usr/bin/env python3
"""doc/operate.md and the files beside it say what the tools and the system understand.

check-operate.py TOOLS_DIRECTORY DOC_DIRECTORY: each option of each command that is shown
must be in the --help of that command, each file that the page names must be there, and the
units, the YAML, the rules and the logrotate files must pass their own checkers, of which
those that are not installed are left out with a line."""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

TOOLS, DOC = map(pathlib.Path, sys.argv[1:])
OPERATE = DOC / "operate"
NAMES = {"flowan-archive", "flowan-dump", "flowan-report"}
faults = []


def fault(text):
    faults.append(text)
    print(text)


# --- commands and their options ---


def joined_lines(text):
    return re.sub(r"\\\n\s*", " ", text).split("\n")


def words_of(line):
    """The words of a command line; those of a line that is none do not matter."""
    try:
        return shlex.split(line.partition(" # ")[0].partition("    # ")[0])
    except ValueError:
        return []


def commands_in(path):
    """(tool, words behind it) of each command line of ours in a page, unit or Dockerfile."""
    text = path.read_text()
    for line in joined_lines(text):
        if path.suffix == ".md" and not line.startswith("    "):
            continue
        if path.suffix in (".service", ".path", ".timer") and not line.startswith("Exec"):
            continue
        words = words_of(line.replace("ExecStart=", "", 1))
        at = [i for i, word in enumerate(words) if os.path.basename(word) in NAMES]
        if at and (at[0] == 0 or words[0] == "docker"):
            yield os.path.basename(words[at[0]]), words[at[0] + 1:]


def commands_of_compose(path, yaml):
    for service in yaml.safe_load(path.read_text())["services"].values():
        if service.get("image") == "flowan" and "entrypoint" not in service:
            yield "flowan-archive", service["command"]


def help_of(tool, words):
    """The options that a command takes, None when the tool has no such command."""
    command = [words[0]] if words and not words[0].startswith("-") else []
    if tool != "flowan-archive":
        command = []
    done = subprocess.run([TOOLS / tool, *command, "--help"], capture_output=True, text=True)
    if done.returncode != 0:
        return None
    return set(re.findall(r"(?<![\w-])--?[a-zA-Z][\w-]*", done.stdout)) | {"--version"}


def check_command(where, tool, words):
    options = help_of(tool, words)
    if options is None:
        fault(f"{where}: {tool} {words[0]}: no such command")
        return
    for word in words:
        if word.startswith("-") and word != "-" and word.partition("=")[0] not in options:
            fault(f"{where}: {tool} {words[0]} has no option {word}")


def check_commands():
    count = 0
    for path in [DOC / "operate.md", *sorted(OPERATE.iterdir())]:
        for tool, words in commands_in(path):
            check_command(path.name, tool, words)
            count += 1
    if count < 10:
        fault(f"only {count} commands found: the page is read wrongly")


def check_links():
    text = (DOC / "operate.md").read_text()
    named = set(re.findall(r"\]\(([^)#:]+)\)", text))
    for link in named:
        if not (DOC / link).exists():
            fault(f"operate.md: {link} is not there")
    for path in OPERATE.iterdir():
        if f"operate/{path.name}" not in named and f"operate/{path.stem}" not in text:
            fault(f"operate.md does not tell of {path.name}")


# --- other people's checkers ---


def there(program):
    if shutil.which(program):
        return True
    print(f"left out: {program} is not installed")
    return False


def run(what, *words, ok=lambda done: done.returncode == 0):
    done = subprocess.run(words, capture_output=True, text=True)
    if not ok(done):
        fault(f"{what}: {done.stdout}{done.stderr}".rstrip())


def check_units(scratch):
    """As they are, but for programs and pages that this machine may not have."""
    if not there("systemd-analyze"):
        return
    units = []
    for path in sorted(OPERATE.iterdir()):
        if path.suffix not in (".service", ".path", ".timer"):
            continue
        text = re.sub(r"^(Exec\w+=)\S+", r"\1/bin/true", path.read_text(), flags=re.M)
        text = re.sub(r"^Documentation=.*\n", "", text, flags=re.M)
        (scratch / path.name).write_text(text)
        units.append(str(scratch / path.name))
    # it says what it does not know on standard error, and succeeds
    run("units", "systemd-analyze", "verify", "--man=no", *units,
        ok=lambda done: done.returncode == 0 and not done.stderr.strip())


def check_logrotate(scratch):
    """A real rotation, twice, in a directory of our own."""
    if os.geteuid() != 0 or not there("logrotate"):
        return
    for path in sorted(OPERATE.glob("logrotate-*.conf")):
        logs = scratch / path.stem
        logs.mkdir()
        text = path.read_text().replace("/var/log/goflow2", str(logs))
        text = text.replace("su goflow2 goflow2", "su root root").replace("size 1G", "size 1")
        config = scratch / path.name
        config.write_text(re.sub(r"systemctl kill.*", f"echo told >>{logs}/told", text))
        os.chmod(config, 0o644)
        (logs / "goflow2.log").write_text("{}\n" * 100)
        run(path.name, "logrotate", "-s", logs / "state", config)
        rotated = list(logs.glob("goflow2_*.log"))
        if len(rotated) != 1 or rotated[0].read_text() != "{}\n" * 100:
            fault(f"{path.name}: left {sorted(p.name for p in logs.iterdir())}")
        if (logs / "goflow2.log").exists() != ("copytruncate" in path.name):
            fault(f"{path.name}: goflow2.log is there, or is not")
        if (logs / "told").exists() != ("rename" in path.name):
            fault(f"{path.name}: goflow2 is told, or is not")


def check_yaml():
    try:
        import yaml
    except ImportError:
        print("left out: python3-yaml is not installed")
        return
    for tool, words in commands_of_compose(OPERATE / "docker-compose.yaml", yaml):
        check_command("docker-compose.yaml", tool, [str(word) for word in words])
    for group in yaml.safe_load((OPERATE / "flowan-alerts.yaml").read_text())["groups"]:
        if len(group["rules"]) != 3:
            fault("flowan-alerts.yaml: operate.md tells of three rules")
        for rule in group["rules"]:
            if rule["alert"] not in (DOC / "operate.md").read_text():
                fault(f"operate.md does not tell of {rule['alert']}")
    if there("promtool"):
        run("rules", "promtool", "check", "rules", OPERATE / "flowan-alerts.yaml")


def main():
    check_commands()
    check_links()
    check_yaml()
    with tempfile.TemporaryDirectory() as scratch:
        os.chmod(scratch, 0o755)
        check_units(pathlib.Path(scratch))
        check_logrotate(pathlib.Path(scratch))
    sys.exit(1 if faults else 0)


main()
