#!/usr/bin/env python3
"""tests/tidy/tidy.py: the style and the direction of dependency, as a test.

Checks every tracked or new C file: includes point downwards, outside libraries are seen only in their place,
functions are at most 70 lines, lines at most 100 columns, public functions are documented, no leftovers, and
that the compile commands of risk/ keep its arithmetic exact. Prints one line per finding; exit 1 if any.
"""
import json
import os
import re
import subprocess
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), '..', '..'))
TOP_LEVEL = {'meson.build', 'meson_options.txt', 'README.md', 'dataplane', 'risk', 'refdata', 'replication',
             'tools', 'tests', 'perf'}
FUNCTION_LINES_MAX = 70
LINE_COLUMNS_MAX = 100

# Folder → what it may include besides itself. Derived from the order in dataplane/README.md.
BELOW = ['base', 'record', 'link', 'stats', 'stage', 'topology', 'io']
ALLOWED = {}
for position, name in enumerate(BELOW):
    ALLOWED['dataplane/' + name] = {'dataplane/' + lower for lower in BELOW[:position]}
TO_IO = {'dataplane/' + name for name in BELOW}
for name in ('nic', 'journal', 'book'):
    ALLOWED['dataplane/' + name] = set(TO_IO)
MIDDLE = TO_IO | {'dataplane/nic', 'dataplane/journal', 'dataplane/book'}
for name in ('feed', 'delivery'):
    ALLOWED['dataplane/' + name] = set(MIDDLE)
DATAPLANE = MIDDLE | {'dataplane/feed', 'dataplane/delivery'}
for name in ('refdata', 'risk', 'replication'):
    ALLOWED[name] = set(DATAPLANE)
ALLOWED['risk/kernels'] = {'dataplane/base'}
ALLOWED['risk'].add('risk/kernels')
EVERYTHING = DATAPLANE | {'refdata', 'risk', 'risk/kernels', 'replication'}
for name in ('tools', 'tools/riskwire', 'tools/riskwired'):
    ALLOWED[name] = EVERYTHING | {'tools', 'tools/riskwire', 'tools/riskwired'}

# Outside headers → the folders (or files) that may see them.
OUTSIDE = {
    r'rte_\w+\.h': ('dataplane/nic/nic_dpdk.c',),
    r'liburing\.h': ('dataplane/io/',),
    r'openssl/.*': ('dataplane/io/',),
    r'zlib\.h': ('dataplane/io/',),
    r'xxhash\.h': ('dataplane/base/',),
    r'hugetlbfs\.h': ('dataplane/base/',),
    r'sleef\.h': ('risk/kernels/', 'dataplane/base/shift.c'),
    r'(cyaml/.*|yaml\.h|jansson\.h)': ('tools/',),
}

LEFTOVER = re.compile(r'\b(TODO|FIXME|XXX|HACK)\b')
INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]')


def files():
    listed = subprocess.run(['find', 'dataplane', 'risk', 'refdata', 'replication', 'tools', 'tests', 'perf',
                             '-name', '*.[ch]'], cwd=ROOT, capture_output=True, text=True, check=True)
    return sorted(line for line in listed.stdout.splitlines())


def folder_of(path):
    return os.path.dirname(path)


def check_includes(path, lines, report):
    folder = folder_of(path)
    product = not path.startswith(('tests/', 'perf/'))
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        target = match.group(1)
        for pattern, places in OUTSIDE.items():
            if re.fullmatch(pattern, target) and product and not path.startswith(places):
                report(path, number, f'{target} may be included only in {", ".join(places)}')
        if not product or '"' not in line:
            continue
        target_folder = folder_of(target)
        if not os.path.exists(os.path.join(ROOT, target)):
            report(path, number, f'include "{target}": write the path from the project root')
        elif target_folder != folder and target_folder not in ALLOWED.get(folder, set()):
            report(path, number, f'{folder} must not include {target_folder} (the arrow points down)')


def functions(lines):
    """Yields (name, first line, length) of each function body: the layout is clang-format's."""
    start = name = None
    signature = []
    for number, line in enumerate(lines, 1):
        if start is None:
            if line and not line[0].isspace() and not line.startswith(('#', '/', '*', '}')):
                signature = []
            signature.append(line)
            if line.endswith('{') and not line.startswith(('struct', 'enum', 'union', 'static const',
                                                           'typedef', 'extern', '#', ' ', '\t')):
                text = ' '.join(signature)
                match = re.search(r'(\w+)\s*\(', text)
                if match and '=' not in text.split('(')[0]:
                    start, name = number, match.group(1)
        elif line.startswith('}'):
            yield name, start, number - start + 1
            start = None


PROTOTYPE = re.compile(r'^(?!static|typedef|struct\s+\w+\s*{|enum|#|/|\s|\*|}|_Static|RW_)[\w\s\*]+?\b(rw_\w+)\(')
INLINE = re.compile(r'^static inline [\w\s\*]+?\b(rw_\w+)\(')


def check_documented(path, lines, report):
    """A public function has a comment above it, or belongs to a block that starts with one that names it."""
    if not path.endswith('.h') or path.startswith(('tests/', 'perf/')):
        return
    text = '\n'.join(lines)
    comments = ' '.join(re.findall(r'/\*.*?\*/', text, re.S))
    for number, line in enumerate(lines, 1):
        match = PROTOTYPE.match(line) or INLINE.match(line)
        if not match:
            continue
        above = lines[number - 2].rstrip() if number > 1 else ''
        if not above.endswith('*/') and match.group(1) not in comments and not above.rstrip().endswith((';', '}')):
            report(path, number, f'{match.group(1)} has no comment')


def check_text(path, lines, report):
    for number, line in enumerate(lines, 1):
        if len(line) > LINE_COLUMNS_MAX:
            report(path, number, f'{len(line)} columns, at most {LINE_COLUMNS_MAX}')
        if LEFTOVER.search(line):
            report(path, number, 'leftover: ' + line.strip())
        if line.rstrip() != line or '\t' in line:
            report(path, number, 'trailing blank or tab')
    if path.endswith('.h') and '#pragma once' not in '\n'.join(lines):
        report(path, 1, 'no #pragma once')


def check_layout(paths, report):
    clang_format = 'clang-format-14'
    if subprocess.run(['which', clang_format], capture_output=True).returncode:
        return print('tidy: clang-format-14 is missing, layout not checked', file=sys.stderr)
    run = subprocess.run([clang_format, '--dry-run', '-Werror', *paths], cwd=ROOT, capture_output=True, text=True)
    seen = set()
    for line in run.stderr.splitlines():
        match = re.match(r'([^:]+):(\d+):\d+: error', line)
        if match and match.group(1) not in seen:
            seen.add(match.group(1))
            report(match.group(1), int(match.group(2)), 'layout differs from clang-format-14')


def check_compile_flags(report):
    """risk/ is compiled without contraction and fast-math; needs a build folder as argument."""
    if len(sys.argv) < 2:
        return
    with open(os.path.join(sys.argv[1], 'compile_commands.json'), encoding='utf-8') as commands:
        for entry in json.load(commands):
            source = os.path.normpath(os.path.join(entry['directory'], entry['file']))
            path = os.path.relpath(source, ROOT)
            if not path.startswith('risk/'):
                continue
            flags = entry['command']
            if '-ffp-contract=off' not in flags or '-march=x86-64-v3' not in flags:
                report(path, 1, 'compiled without -ffp-contract=off -march=x86-64-v3')
            if re.search(r'-ffast-math|-Ofast|-march=corei7', flags):
                report(path, 1, 'compiled with a flag that changes arithmetic')


def check_risk_symbols(report):
    """The risk objects call no libm: its results differ between hosts."""
    if len(sys.argv) < 2:
        return
    folder = os.path.join(sys.argv[1], 'risk')
    for base, _, names in os.walk(folder):
        for name in names:
            if not name.endswith('.o'):
                continue
            undefined = subprocess.run(['nm', '-u', os.path.join(base, name)], capture_output=True, text=True)
            for symbol in re.findall(r'U (\w+)', undefined.stdout):
                if re.fullmatch(r'(exp|log|pow|erf|erfc|sin|cos|exp2|log2|log10|expm1|log1p)[fl]?', symbol):
                    report('risk/' + name, 1, f'calls {symbol} of libm')


def main():
    found = []

    def report(path, number, sentence):
        found.append(f'{path}:{number}: {sentence}')

    for name in os.listdir(ROOT):
        if name not in TOP_LEVEL and not name.startswith('.') and name != 'build':
            report(name, 1, 'not a name the top level may hold')
    paths = files()
    for path in paths:
        with open(os.path.join(ROOT, path), encoding='utf-8') as source:
            lines = source.read().split('\n')
        check_includes(path, lines, report)
        check_text(path, lines, report)
        check_documented(path, lines, report)
        for name, start, length in functions(lines):
            if length > FUNCTION_LINES_MAX:
                report(path, start, f'function {name} has {length} lines, at most {FUNCTION_LINES_MAX}')
    check_layout(paths, report)
    check_compile_flags(report)
    check_risk_symbols(report)
    print('\n'.join(found))
    print(f'tidy: {len(paths)} files, {len(found)} findings')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main())
