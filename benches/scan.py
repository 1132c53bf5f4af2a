"""The scanner beside others, on this machine, in turn. Run by `scripts/bench scan`; prints one JSON object.

Each round runs every program once; ratios are of the two runs of a round, and what is told is the median
of all rounds. CPU is user and system time of the program and its children, memory the most of any of them.
"""

import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import scan_repo

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PEERS = TARGET / "venv-scan" / "bin"
GITLEAKS = TARGET / "venv-gitleaks" / "bin" / "gitleaks"
# What ripgrep looks for: the form of a key, as a person would write it.
PATTERN = r"(?:[MNOYZ][A-Za-z0-9]{3}){6}L[A-Za-z0-9]{3}(?:[MNOYZ][A-Za-z0-9]{3}){5}O[j-n][A-Za-z0-9+/]{8,64}"


def measure(command, folder, home, expect=(0, 1)):
    """Wall and CPU seconds and peak MiB of one run."""
    env = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "NO_COLOR": "1"}
    with tempfile.TemporaryFile() as said:
        began = time.monotonic()
        process = subprocess.Popen(
            [str(word) for word in command], cwd=folder, env=env,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        code = os.waitstatus_to_exitcode(status)
        process.returncode = code
        if code not in expect:
            said.seek(0)
            text = said.read().decode(errors="replace")[-2000:]
            raise SystemExit(f"{command} ended with {code}:\n{text}")
    return {"wall_s": wall, "cpu_s": usage.ru_utime + usage.ru_stime, "mib": usage.ru_maxrss / 1024}


def rounds_of(programs, rounds, folder, home):
    """Every program once a round, and one round before that counts for nothing."""
    runs = {name: [] for name in programs}
    for number in range(rounds + 1):
        for name, command in programs.items():
            # Ending with findings is 1 or, for some peers, more than that.
            one = measure(command, folder, home, range(0, 256) if name in PEER_NAMES else (0, 1))
            if number:
                runs[name].append(one)
    return runs


PEER_NAMES = {"kingfisher turbo", "betterleaks", "gitleaks", "ripgrep", "git cat-file"}


def told(runs, ours):
    """Medians, and medians of the ratios of ours to each other one."""
    middle = lambda values: round(statistics.median(values), 4)
    table = {
        name: {what: middle([one[what] for one in all]) for what in ("wall_s", "cpu_s", "mib")}
        for name, all in runs.items()
    }
    ratios = {
        f"{mine} / {name}": {
            what: middle([a[what] / b[what] for a, b in zip(runs[mine], all) if b[what]])
            for what in ("wall_s", "cpu_s", "mib")
        }
        for mine in ours for name, all in runs.items() if name not in ours and all
    }
    return {"medians": table, "ours_to_theirs": ratios}


def kingfisher(*more):
    return [PEERS / "kingfisher", "scan", "--turbo", "--no-validate", "--no-update-check", "--quiet", *more]


def tree(doorward, folder, rounds, home):
    size, files = 0, 0
    for path, _, names in os.walk(folder):
        for name in names:
            files += 1
            try:
                size += os.lstat(os.path.join(path, name)).st_size
            except OSError:
                pass
    programs = {
        "ours": [doorward, "scan", "--quiet", folder],
        "ours, instantly alone": [doorward, "scan", "--quiet", "--only", "instantly", folder],
        "kingfisher turbo": kingfisher("--git-history", "none", folder),
        "betterleaks": [PEERS / "betterleaks", "dir", "--no-banner", "-s", folder],
        "gitleaks": [GITLEAKS, "dir", "--no-banner", "-l", "error", folder],
        "ripgrep": ["rg", "--hidden", "--no-messages", "-c", PATTERN, folder],
    }
    result = told(rounds_of(programs, rounds, "/", home), ["ours", "ours, instantly alone"])
    found = subprocess.run(
        [str(doorward), "scan", "--json", "--quiet", str(folder)], capture_output=True, text=True
    )
    report = json.loads(found.stdout)
    by_rule = {}
    for finding in report["findings"]:
        by_rule[finding["rule"]] = by_rule.get(finding["rule"], 0) + 1
    result.update(files=files, mib=round(size / 2**20, 1), found=by_rule,
                  found_per_10_mib=round(len(report["findings"]) / max(size / 2**20 / 10, 1), 3))
    return result


def history(doorward, repo, rounds, home):
    count = subprocess.run(["git", "-C", repo, "rev-list", "--all", "--count"],
                           check=True, capture_output=True, text=True).stdout.strip()
    programs = {
        "ours": [doorward, "scan", "--quiet", "--no-cache", "--git", repo],
        "kingfisher turbo": kingfisher("--git-history", "full", repo),
        "betterleaks": [PEERS / "betterleaks", "git", "--no-banner", "-s", repo],
        "gitleaks": [GITLEAKS, "git", "--no-banner", "-l", "error", repo],
        "git cat-file": ["git", "-C", repo, "cat-file", "--batch", "--batch-all-objects", "--unordered",
                         "--buffer"],
    }
    result = told(rounds_of(programs, rounds, "/", home), ["ours"])
    again = [doorward, "scan", "--quiet", "--git", repo]
    shutil.rmtree(home / "cache", ignore_errors=True)
    first = measure(again, "/", home)
    later = [measure(again, "/", home) for _ in range(max(rounds, 3))]
    second = statistics.median(one["wall_s"] for one in later)
    result["with the cache"] = {
        "first_s": round(first["wall_s"], 3), "second_s": round(second, 4), "target_s": 0.2,
        "times_faster": round(first["wall_s"] / second, 1),
        "second_mib": round(later[0]["mib"], 1),
    }
    result["commits"] = int(count)
    return result


def staged(doorward, repo, rounds, home, work):
    files = scan_repo.check_out(repo, work)
    programs = {
        "ours": [doorward, "scan", "--staged", "--quiet"],
        "betterleaks": [PEERS / "betterleaks", "git", "--staged", "--no-banner", "-s"],
        "gitleaks": [GITLEAKS, "git", "--staged", "--no-banner", "-l", "error"],
    }
    result = told(rounds_of(programs, max(rounds, 10), work, home), ["ours"])
    result.update(files=files, target_s=0.025, target_mib=15)
    return result


def start(doorward, rounds, home):
    with tempfile.TemporaryDirectory(prefix="doorward-bench-") as folder:
        path = pathlib.Path(folder) / "tiny.txt"
        path.write_text("nothing\n")
        runs = [measure([doorward, "scan", "--quiet", path], folder, home) for _ in range(rounds * 10 + 10)]
    return {what: round(statistics.median(one[what] for one in runs), 4)
            for what in ("wall_s", "cpu_s", "mib")} | {"target_s": 0.010}


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench scan", description=__doc__)
    parser.add_argument("--tree", type=pathlib.Path, help="folder to scan (cargo's sources)")
    parser.add_argument("--repo", type=pathlib.Path, help="git repository to scan (one is made)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--commits", type=int, default=20_000, help="of the repository that is made")
    parser.add_argument("--blob-mib", type=int, default=1_024, help="of the repository that is made")
    parser.add_argument("--only", choices=["tree", "history", "staged", "start"], action="append")
    parser.add_argument("--doorward", type=pathlib.Path, default=TARGET / "release" / "doorward")
    options = parser.parse_args()
    parts = options.only or ["start", "tree", "history", "staged"]
    made = TARGET / "bench-scan"
    made.mkdir(parents=True, exist_ok=True)
    repo = options.repo
    if repo is None and {"history", "staged"} & set(parts):
        repo = made / f"repo-{options.commits}-{options.blob_mib}"
        scan_repo.make(repo, options.commits, options.blob_mib << 20)
    result = {"cores": os.cpu_count(), "kernel": platform.release(), "rounds": options.rounds}
    doorward = options.doorward.resolve()
    with tempfile.TemporaryDirectory(prefix="doorward-bench-home-") as home:
        home = pathlib.Path(home)
        if "start" in parts:
            result["start-up on one tiny file"] = start(doorward, options.rounds, home)
        if "tree" in parts:
            folder = (options.tree or scan_repo.registry()).resolve()
            result["tree"] = tree(doorward, folder, options.rounds, home)
        if "history" in parts:
            result["history"] = history(doorward, repo.resolve(), options.rounds, home)
        if "staged" in parts:
            work = made / f"work-{repo.resolve().name}"
            result["staged"] = staged(doorward, repo.resolve(), options.rounds, home, work)
    json.dump(result, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
