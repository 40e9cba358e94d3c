#!/usr/bin/env python3
"""tests/system/venue_client.py: a naive client of `riskwire venue`, for tests.

usage: venue_client.py VENUE_OUTPUT INTERFACE lines FILE [--ask]     messages of both lines in order, length-prefixed;
                                                                     with --ask holes are asked for again
       venue_client.py VENUE_OUTPUT INTERFACE glimpse [TRIES]        a snapshot as book CSV, and its number on stderr
       venue_client.py VENUE_OUTPUT INTERFACE dropcopy CUT           fills as CSV; reconnects every CUT messages

VENUE_OUTPUT is the file with the venue's stdout, in which its addresses stand. It waits for what it needs at most
60 seconds, trusts nothing but bytes, and shares no code with the product.
"""
import select
import socket
import struct
import sys
import time

LIMIT = time.monotonic() + 60


def address_of(output, name):
    while time.monotonic() < LIMIT:
        for line in open(output):
            words = line.split()
            if words[:1] == [name]:
                host, port = words[1].rsplit(':', 1)
                return host, int(port)
        time.sleep(0.02)
    sys.exit(f'the venue says no {name}')


def join(address, interface):
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    line.bind(address)
    line.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                    socket.inet_aton(address[0]) + socket.inet_aton(interface))
    return line


def messages_of(packet):
    """(session, sequence of the first, messages, is it the end); None when it contradicts itself."""
    if len(packet) < 20:
        return None
    session, first, count = packet[:10], *struct.unpack('>QH', packet[10:20])
    if count == 0xFFFF:
        return session, first, [], True
    messages, at = [], 20
    for _ in range(count):
        if at + 2 > len(packet):
            return None
        length, = struct.unpack('>H', packet[at:at + 2])
        messages.append(packet[at + 2:at + 2 + length])
        at += 2 + length
    return (session, first, messages, False) if at == len(packet) else None


class Lines:
    """Both lines and the request server; what was got is kept by number."""

    def __init__(self, output, interface, ask):
        self.sockets = [join(address_of(output, name), interface) for name in ('group_a', 'group_b')]
        self.server = address_of(output, 'requests') if ask else None
        self.asker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.got, self.lowest, self.highest = {}, 1, 1
        self.session = self.end = None
        self.asked, self.refused = 0.0, 0

    def take(self, packet, is_answer):
        read = messages_of(packet)
        if not read or is_answer and (read[0] != self.session or read[3] or read[1] > self.highest):
            assert is_answer
            self.refused += 1
            return
        self.session, first, messages, is_end = read
        if not is_answer:
            self.highest = max(self.highest, first + len(messages))
        self.end = first if is_end else self.end
        for index, message in enumerate(messages):
            self.got.setdefault(first + index, message)
        while self.lowest in self.got:
            self.lowest += 1

    def ask(self):
        if not self.server or self.lowest >= self.highest or time.monotonic() < self.asked + 0.02:
            return
        count = 1
        while self.lowest + count < self.highest and self.lowest + count not in self.got:
            count += 1
        self.asker.sendto(self.session + struct.pack('>QH', self.lowest, min(count, 1000)), self.server)
        self.asked = time.monotonic()

    def run(self):
        print('joined', flush=True)
        while time.monotonic() < LIMIT and not (self.end and (self.lowest == self.end or not self.server)):
            for ready in select.select(self.sockets + [self.asker], [], [], 0.02)[0]:
                self.take(ready.recv(2048), ready is self.asker)
            self.ask()


def follow_lines(output, interface, path, ask):
    lines = Lines(output, interface, ask)
    lines.run()
    with open(path, 'wb') as file:
        for number in sorted(lines.got):
            file.write(struct.pack('>H', len(lines.got[number])) + lines.got[number])
    print(f'messages {len(lines.got)}\nmissing {(lines.end or 1) - 1 - len(lines.got)}\nrefused {lines.refused}')


class Soup:
    """One SoupBinTCP connection."""

    def __init__(self, address, sequence):
        self.stream = socket.create_connection(address, 10)
        self.stream.sendall(struct.pack('>Hc', 47, b'L') + b'user  ' + b'password  ' + b' ' * 10 +
                            str(sequence).rjust(20).encode())
        self.bytes = b''

    def next(self):
        """(type, payload); type '' when the server has closed."""
        while True:
            if len(self.bytes) >= 2:
                length, = struct.unpack('>H', self.bytes[:2])
                if len(self.bytes) >= 2 + length:
                    packet, self.bytes = self.bytes[2:2 + length], self.bytes[2 + length:]
                    return packet[:1].decode(), packet[1:]
            self.stream.settimeout(max(0.1, LIMIT - time.monotonic()))
            piece = self.stream.recv(65536)
            if not piece:
                return '', b''
            self.bytes += piece


def snapshot(output, tries):
    """All messages of a snapshot; a connection that breaks is tried again."""
    for _ in range(tries):
        soup, messages = Soup(address_of(output, 'glimpse'), 1), []
        while True:
            kind, payload = soup.next()
            if kind == 'S':
                messages.append(payload)
            if kind in 'ZJ':
                break
        if kind == 'Z':
            return messages
        print('cut', file=sys.stderr)
        time.sleep(0.1)
    sys.exit('no whole snapshot')


def print_snapshot(output, tries):
    levels = {}
    messages = snapshot(output, tries)
    for message in messages[:-1]:
        if message[:1] in (b'A', b'F'):
            side, shares, symbol, price = struct.unpack('>cI8sI', message[19:36])
            key = symbol.decode().strip(), side.decode(), price
            quantity, orders = levels.get(key, (0, 0))
            levels[key] = quantity + shares, orders + 1
    assert messages[-1][:1] == b'G' and len(messages[-1]) == 21
    print(int(messages[-1][1:]), file=sys.stderr)
    print('symbol,side,level,price,quantity,orders')
    order = sorted(levels, key=lambda key: (key[0], key[1], -key[2] if key[1] == 'B' else key[2]))
    level, before = 0, None
    for key in order:
        level = level + 1 if key[:2] == before else 1
        before = key[:2]
        print(f'{key[0]},{key[1]},{level},{key[2]},{levels[key][0]},{levels[key][1]}')


def print_fills(output, cut):
    """match number, portfolio, symbol, side, quantity, price of each fill; in pieces of `cut` messages."""
    orders, sequence, kind = {}, 1, ''
    while kind != 'Z':
        soup, seen = Soup(address_of(output, 'drop_copy'), sequence), 0
        while kind != 'Z' and seen < cut:
            kind, message = soup.next()
            if kind == '':
                break
            if kind != 'S':
                continue
            sequence, seen = sequence + 1, seen + 1
            if message[:1] in (b'A', b'U'):
                at = 9 if message[:1] == b'A' else 13
                user, side, _, symbol = struct.unpack('>IcI8s', message[at:at + 17])
                clordid = message[at + 39:at + 53]
                orders[user] = clordid[:7].decode(), symbol.decode().strip(), side.decode()
            elif message[:1] == b'E':
                user, quantity, price, _, match = struct.unpack('>IIQcQ', message[9:34])
                print(','.join(map(str, (match, *orders[user], quantity, f'{price // 10000}.{price % 10000:04}'))))
        soup.stream.close()
    print(f'messages {sequence - 1}', file=sys.stderr)


def main():
    output, interface, what = sys.argv[1:4]
    if what == 'lines':
        follow_lines(output, interface, sys.argv[4], '--ask' in sys.argv)
    elif what == 'glimpse':
        print_snapshot(output, int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    else:
        print_fills(output, int(sys.argv[4]))


main()
