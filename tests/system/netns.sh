# Two network namespaces joined by veth pairs, for tests that send real packets. Sourced after lib.sh.
#
#        side a  va0 ─────────── vb0  side b        link n: 10.77.n.1 ── 10.77.n.2, multicast leaves by link 0
#                va1 ─────────── vb1
#
#   netns_possible        succeeds, or prints in one sentence why this user on this machine cannot have them
#   netns_begin [LINKS]   makes them, joined by so many links (1); a test that cannot have them is skipped (exit 77)
#   "${netns_a[@]}" CMD…  runs a program in side a, netns_b in side b. nsenter becomes the program, so that $! of a
#                         background job is its pid; put `timeout` in front of what must end by itself
#   netns_device SIDE LINK  the device string of a live port at that end of a link
#   netns_site_start SITE site_start of a site with such ports, again when its pid is one that the driver cannot have
#   netns_end             ends them; system_end and the trap of system_begin do it too
#
# Nothing has a name outside: each namespace is held by a sleeping process, and goes with it. That process is ended
# by its pid, and when the test itself is killed it ends after netns_seconds. Root needs no more than this; another
# user gets both sides inside one user namespace, in which it is root. Links are quiet: no IPv6, so nothing is sent
# that the test does not send, and no offload, so that a packet socket sees whole frames with checksums.
netns_seconds=${netns_seconds:-600}
netns_links_max=8
netns_a=() netns_b=()

# netns_flags: what unshare needs here, "-n" or "-Urn"; nothing when neither works.
netns_flags() {
    local flags
    for flags in -n -Urn; do
        unshare "$flags" true 2>/dev/null && printf '%s\n' "$flags" && return
    done
    return 1
}

netns_possible() {
    local tool
    for tool in ip ethtool sysctl nsenter unshare; do
        [ -n "$(PATH=$PATH:/sbin:/usr/sbin type -P "$tool")" ] ||
            { echo "network namespaces: $tool is missing (tools/bootstrap test)" && return 1; }
    done
    netns_flags >/dev/null ||
        { echo "network namespaces: neither unshare -n nor unshare -Urn is allowed here" && return 1; }
}

# netns_hold FLAGS PREFIX…: starts a holder; its pid is netns_pid once it stands in its namespace.
netns_hold() {
    "${@:2}" unshare "$1" sleep "$netns_seconds" &
    netns_pid=$!
    sites_started+=("$netns_pid")
    wait_until 5 grep -qsx sleep "/proc/$netns_pid/comm"
}

netns_link() { # INDEX PID_OF_B
    "${netns_a[@]}" ip link add "va$1" type veth peer name "vb$1" netns "$2" &&
        netns_end_up "va$1" "10.77.$1.1" "${netns_a[@]}" && netns_end_up "vb$1" "10.77.$1.2" "${netns_b[@]}"
}
netns_end_up() { # INTERFACE ADDRESS PREFIX…
    "${@:3}" ethtool -K "$1" tx off rx off tso off gso off gro off >/dev/null &&
        "${@:3}" ip address add "$2/24" dev "$1" && "${@:3}" ip link set "$1" up
}
netns_quiet() { # PREFIX…: before there is a link
    "$@" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 &&
        "$@" ip link set lo up
}

netns_make() { # LINKS
    local flags enter=(nsenter --net) index b
    [ "$1" -ge 1 ] && [ "$1" -le "$netns_links_max" ] || return
    flags=$(netns_flags) || return
    [ "$flags" = -n ] || enter=(nsenter --user --preserve-credentials --net)
    netns_hold "$flags" && netns_a=("${enter[@]}" --target "$netns_pid") || return
    # Side b stands in the same user namespace, or a would have no right to reach into it.
    netns_hold -n "${netns_a[@]}" && b=$netns_pid && netns_b=("${enter[@]}" --target "$b") || return
    netns_quiet "${netns_a[@]}" && netns_quiet "${netns_b[@]}" || return
    for index in $(seq 0 $(($1 - 1))); do netns_link "$index" "$b" || return; done
    "${netns_a[@]}" ip route add 224.0.0.0/4 dev va0 && "${netns_b[@]}" ip route add 224.0.0.0/4 dev vb0
}

netns_begin() { # [LINKS]
    local reason
    PATH=$PATH:/sbin:/usr/sbin
    reason=$(netns_possible) || skip "$reason"
    netns_make "${1:-1}" || { say "the network namespaces could not be made" && exit 1; }
}

# A small ring: another user may lock little memory. The driver's sockets form a group numbered by process id and
# interface, so that two riskwired of one namespace may meet in one and be refused: give each a side of its own.
netns_device() { echo "net_af_packet$2,iface=v$1$2,framecnt=1024,framesz=2048,blocksz=4096"; }

# Where two sites of a namespace share the links of one venue, the one that is refused is started again, as another
# process.
netns_site_start() { # SITE
    local before
    for _ in 1 2 3 4 5; do
        before=$(grep -c PACKET_FANOUT "$sites_dir/$1/riskwired.log" 2>/dev/null)
        site_start "$1"
        wait_until 60 netns_site_decided "$1" "${before:-0}" || return
        netns_site_refused "$1" "${before:-0}" || return 0
        wait "${site_pid[$1]}"
    done
    return 1
}
netns_site_refused() { [ "$(grep -c PACKET_FANOUT "$sites_dir/$1/riskwired.log" 2>/dev/null)" -gt "$2" ]; } # SITE BEFORE
netns_site_decided() { netns_site_refused "$1" "$2" || [ -n "$(site_field "$1" role)" ] || ! site_alive "$1"; }

netns_end() {
    sites_stop
    netns_a=() netns_b=()
}
