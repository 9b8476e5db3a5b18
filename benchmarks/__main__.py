"""Measure everything beside torch and others, and write docs/performance.md.

python -m benchmarks                        all of it; takes half an hour, and a quiet machine
python -m benchmarks --quick                short rounds, one thread; prints, writes nothing
python -m benchmarks --quick --only cold    one section: training, peers, scalar, operations, loader, cold
"""

from __future__ import annotations

import argparse

from benchmarks.report import PAGE, Plan, Report


def main() -> None:
    """Measure as the options say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short rounds, one thread; writes nothing")
    parser.add_argument("--only", default="", metavar="SECTION", help="one section; writes nothing")
    parser.add_argument("--threads", default="1,2", help="numbers of threads, with commas (default: 1,2)")
    parser.add_argument("--rounds", type=int, default=5, help="processes for each subject (default: 5)")
    given = parser.parse_args()
    threads = tuple(int(n) for n in given.threads.split(","))
    plan = Plan(1, 0.4, threads[:1], given.only) if given.quick else Plan(given.rounds, 2.0, threads, given.only)
    report = Report(plan)
    if not report.torch:
        print("torch is not installed: there is nothing to compare most figures with")
    if given.quick or given.only:
        sections = report.sections()
        print("\n\n".join(sections.values()))
        return
    PAGE.write_text(report.page(), encoding="utf-8")
    print(f"written: {PAGE}")


if __name__ == "__main__":
    main()
