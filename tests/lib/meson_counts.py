#!/usr/bin/env python3
"""meson_counts.py TESTLOG LABEL: sums the cases of a meson JSON log.

Prints lines `passed<TAB>failed<TAB>skipped<TAB>` per program, and message lines with the fourth field set.
A program that prints cmocka's summary counts its cases; any other counts as one.
"""
import json
import re
import sys


def cases(entry):
    text = (entry.get('stdout') or '') + (entry.get('stderr') or '')
    result = entry['result']
    if result == 'SKIP':
        reason = text.strip().splitlines()[-1] if text.strip() else 'no reason printed'
        return 0, 0, 1, [f'skipped: {entry["name"]}: {reason}']
    number = {word: sum(int(n) for n in re.findall(r'\[  ' + word + r' *\] (\d+) test', text))
              for word in ('PASSED', 'FAILED', 'SKIPPED')}
    notes = [f'skipped: {entry["name"]}: {reason}' for reason in re.findall(r'^SKIP: (.*)$', text, re.M)]
    if result not in ('OK', 'EXPECTEDFAIL'):
        tail = '\n'.join(text.strip().splitlines()[-25:])
        return number['PASSED'], max(1, number['FAILED']), number['SKIPPED'], \
            [f'FAILED: {entry["name"]} ({result})'] + tail.splitlines()
    if number['PASSED'] + number['SKIPPED'] == 0:
        return 1, 0, 0, notes
    return number['PASSED'], 0, number['SKIPPED'], notes


def main():
    with open(sys.argv[1], encoding='utf-8') as log:
        for line in log:
            passed, failed, skipped, notes = cases(json.loads(line))
            print(f'{passed}\t{failed}\t{skipped}\t')
            for note in notes:
                print(f'0\t0\t0\t{note}')


if __name__ == '__main__':
    main()
