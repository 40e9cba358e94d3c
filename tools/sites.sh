# Two sites on this machine: set-up, start, questions and clean-up. Sourced by tools/demo and tests/system.
#
#   sites_prepare BIN DIR     certificates, site.yaml of a and b under DIR; BIN = folder of the programs
#   site_start a|b            starts riskwired, remembers its pid in site_pid[a|b]
#   site_field a|b NAME       one field of `riskwire status`, empty when the site does not answer
#   trades_of_venue FILE      venue sequences of the printable trades of a file, sorted
#   trades_of_log DIR [CH]    likewise of a log, of channel CH (0)
#   wait_until SECONDS CMD…   polls a condition; fails with a sentence when the time is up
#
# Everything started here is stopped by sites_stop, by pid.

declare -A site_pid=() site_peer=([a]=b [b]=a)
sites_started=()
# The CPUs this process may use, one a line.
cpus_allowed() {
    taskset -cp $$ | sed 's/.*: //' | tr , '\n' | awk -F- '{ for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i }'
}
# On a machine with two CPUs or more each site gets one of its own, unless it wants more of them.
declare -A site_cpus=([a]='' [b]='')
mapfile -t allowed_cpus < <(cpus_allowed)
[ "${#allowed_cpus[@]}" -ge 2 ] && [ "${sites_cores:-1}" -eq 1 ] &&
    site_cpus=([a]=${allowed_cpus[0]} [b]=${allowed_cpus[1]})

say() { printf '%s\n' "$*" >&2; }

free_port() {
    local port
    for _ in $(seq 50); do
        port=$((20000 + RANDOM % 20000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port" && return; }
    done
    say "no free port found on 127.0.0.1" && return 1
}

make_certificates() { # DIR
    local name
    mkdir -p "$1"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=demo-ca \
        -keyout "$1/ca.key" -out "$1/ca.crt" 2>/dev/null || return
    for name in a b; do
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
            -keyout "$1/$name.key" -out "$1/$name.csr" 2>/dev/null &&
            openssl x509 -req -in "$1/$name.csr" -CA "$1/ca.crt" -CAkey "$1/ca.key" -CAcreateserial -days 30 \
                -extfile <(printf 'subjectAltName=DNS:%s' "$name") -out "$1/$name.crt" 2>/dev/null || return
    done
}

# more_feeds: sections feed2, feed3, … for the folders in sites_more, each a capture of one more channel, of
# sites_more_venue.
more_feeds() {
    local number=1 folder
    for folder in ${sites_more[@]+"${sites_more[@]}"}; do
        printf 'feed%d:\n  venue: %s\n  channel: %d\n  line_a: %s\n  line_b: %s\n  speed: %s\n' $((number + 1)) \
            "${sites_more_venue:-itch50}" "$number" "$folder/line_a.pcap" "$folder/line_b.pcap" "${sites_speed:-1}"
        number=$((number + 1))
    done
}

# write_config SITE LISTEN CONNECT: site.yaml from sites_dir and the optional variables below.
write_config() {
    local site=$1 inputs=''
    [ -s "$sites_capture/inputs.csv" ] && inputs=$sites_capture/inputs.csv
    mkdir -p "$sites_dir/$site"
    cat >"$sites_dir/$site/site.yaml" <<YAML
site: $site
profile: laptop
run_dir: $sites_run
session: "${sites_session:-2501060001}"
leader: ${sites_leader:-a}
cores: ${sites_cores:-1}
cpus: "${site_cpus[$site]}"
idle: ${sites_idle:-backoff}
reference_dir: ${sites_reference:-$sites_capture}
intake_file: "$inputs"
feed:
  venue: ${sites_venue:-itch50}
  line_a: $sites_capture/line_a.pcap
  line_b: "${sites_line_b-$sites_capture/line_b.pcap}"
  speed: ${sites_speed:-1}
  unsequenced: ${sites_unsequenced:-reject}
$(more_feeds)
journal:
  dir: $sites_dir/$site/journal
peer:
  policy: ${sites_policy:-disk}
  listen: 127.0.0.1:$2
  connect: 127.0.0.1:$3
  certificate: $sites_dir/certs/$site.crt
  key: $sites_dir/certs/$site.key
  ca: $sites_dir/certs/ca.crt
  name: ${site_peer[$site]}
risk:
  shards: ${sites_shards:-2}
YAML
}

# sites_prepare BIN DIR: the capture stands in DIR/capture (or sites_capture).
sites_prepare() {
    sites_bin=$1 sites_dir=$2
    sites_capture=${sites_capture:-$sites_dir/capture}
    sites_run=${sites_run:-$sites_dir/run}
    make_certificates "$sites_dir/certs" || { say "openssl could not make the certificates" && return 1; }
    local port_a port_b
    port_a=$(free_port) && port_b=$(free_port) || return
    write_config a "$port_a" "$port_b" && write_config b "$port_b" "$port_a"
}

riskwire() { "$sites_bin/riskwire/riskwire" "$@"; }
# In the background a function runs in a shell of its own, which would be what a kill reaches: this one becomes
# the program.
riskwire_job() { exec "$sites_bin/riskwire/riskwire" "$@"; }

# What riskwired is started through, such as the network namespace of a test; it becomes riskwired.
site_prefix=()
site_start() {
    "${site_prefix[@]}" "$sites_bin/riskwired/riskwired" --config "$sites_dir/$1/site.yaml" >>"$sites_dir/$1/riskwired.log" 2>&1 &
    site_pid[$1]=$!
    sites_started+=("$!")
}

site_field() {
    riskwire status --run-dir "$sites_run" --site "$1" 2>/dev/null | awk -v name="$2" '$1 == name { print $2 }'
}
site_is() { [ "$(site_field "$1" "$2")" = "$3" ]; }
sites_dual() { # one leads, the other follows, and both say they are in step
    site_is a in_step yes && site_is b in_step yes || return
    case "$(site_field a role)/$(site_field b role)" in lead/follow | follow/lead) ;; *) return 1 ;; esac
}
site_alive() { kill -0 "${site_pid[$1]}" 2>/dev/null; }

wait_until() {
    local end=$((SECONDS + $1)) what="${*:2}"
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || { say "gave up waiting for: $what" && return 1; }
        read -rt 0.02 <> <(:) || :
    done
}

# site_promote SITE: asks until it is granted; the site refuses while it still hears its peer.
site_promote() { riskwire promote --run-dir "$sites_run" --site "$1" >/dev/null 2>&1; }

# What counts as a trade: executions that print, of orders whose add is in the file (an E carries no price), and
# crosses in which shares changed hands.
trades_of_venue() {
    riskwire decode "$1" 2>/dev/null | tr -d ' {}"' | awk -F, '
        { delete f; for (i = 1; i <= NF; i++) { split($i, pair, ":"); f[pair[1]] = pair[2] } }
        f["type"] ~ /^[AF]$/ { known[f["order_reference_number"]] }
        f["type"] == "U" { known[f["new_order_reference_number"]] }
        f["type"] == "P" || f["type"] == "Q" && f["cross_shares"] > 0 ||
            f["type"] ~ /^[EC]$/ && f["printable"] != "N" && f["order_reference_number"] in known { print f["seq"] }
        ' | sort -n
}
trades_of_log() {
    riskwire journal dump "$1" -o csv 2>/dev/null |
        awk -F, -v channel="${2:-0}" 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
                 $column["type"] == "tick" && $column["kind"] == "trade" && $column["channel"] == channel {
                     print $column["venue_sequence"] }' |
        sort -n
}

sites_stop() {
    local pid
    for pid in "${sites_started[@]}"; do kill -CONT "$pid" 2>/dev/null; kill "$pid" 2>/dev/null; done
    for pid in "${sites_started[@]}"; do wait "$pid" 2>/dev/null; done
    sites_started=()
}
