# What the system tests share: a folder of their own, two sites (tools/sites.sh), facts to assert. Sourced.
#
# usage in a test: . "$(dirname "$0")/lib.sh"; system_begin "$@"; …; fact "sentence" command…; system_end
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
. "$top/tools/sites.sh"

system_begin() { # BUILD
    local build=${1:-$top/build/release}
    case "$build" in /*) ;; *) build=$top/$build ;; esac
    sites_bin=$build/tools
    dir=$(mktemp -d "${TMPDIR:-/tmp}/riskwire-test.XXXXXX")
    trap 'sites_stop; rm -rf "$dir"' EXIT
    facts_failed=0
}

# fact SENTENCE COMMAND…: the command must succeed; the sentence is printed either way.
fact() {
    local sentence=$1
    shift
    if "$@"; then
        echo "ok: $sentence"
    else
        echo "NOT OK: $sentence   ($*)"
        facts_failed=$((facts_failed + 1))
    fi
}
not() { ! "$@"; }
skip() { echo "$*" && exit 77; }
# What an assertion or a sanitizer says goes to the log of the program that met it.
bug_named() { grep -rlE 'a bug was found|Sanitizer:|runtime error:' "$dir" --include='*.log' --include='*.err'; }
system_end() {
    sites_stop
    fact "no program met a bug" not bug_named
    [ "$facts_failed" -eq 0 ] || tail -n 30 "$dir"/{a,b}/*.log 2>/dev/null
    exit $((facts_failed > 0))
}

# subscribe SITE FILE [OPTION…]: follows a site over shared memory into FILE, across restarts of the site.
subscribe() {
    riskwire_job subscribe --shm "$1" --run-dir "$sites_run" --until-end --timeout "${subscribe_timeout:-120}" \
        "${@:3}" -o csv >"$2" 2>"$2.log" &
    subscriber=$!
    sites_started+=("$subscriber")
}

trades_once() { cmp -s <(trades_of_venue "$sites_capture/session.itch") <(trades_of_log "$dir/$1/journal/log"); }
# trades_of_pitch FOLDER: executions and trades with hidden orders, as either line of a capture has them.
trades_of_pitch() {
    for line in a b; do riskwire decode --feed pitch "$1/line_$line.pcap" 2>/dev/null; done | tr -d ' {}"' |
        awk -F'[,:]' '$4 ~ /^0x(23|24|2A|2B|30)$/ { print $2 }' | sort -nu
}
# trades_of_mdp3 FOLDER: packets of trades, as often as they hold some.
trades_of_mdp3() {
    for line in a b; do riskwire decode --feed mdp3 "$1/line_$line.pcap" 2>/dev/null; done | tr -d ' {}"' |
        awk -F'[,:]' '$4 == 48 { print $2, $NF }' | sort -u | cut -d ' ' -f 1 | sort -n
}
report_equals() { # SITE FILE
    riskwire journal report "$dir/$1/journal" -o csv 2>"$dir/report.log" | cmp -s - "$2"
}
# stat_of SITE BLOCK NAME: one value of the site's statistics.
stat_of() {
    riskwire stat --run-dir "$sites_run" --site "$1" -o csv | awk -F, -v b="$2" -v n="$3" '$1 == b && $2 == n { print $3; exit }'
}
# loss_of SITE BLOCK NAME: one figure of `riskwire loss`. accounts_off SITE: the equations that do not hold.
loss_of() {
    riskwire loss --run-dir "$sites_run" --site "$1" -o csv | awk -F, -v b="$2" -v n="$3" '$1 == b && $2 == n { print $3; exit }'
}
accounts_off() { riskwire loss --run-dir "$sites_run" --site "$1" -o csv | awk -F, '$2 ~ /^account_/ && $3 != 0'; }
# quality_of_last FILE: quality of the last portfolio record of a subscription; 16 = feed gap.
quality_of_last() {
    awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
             $column["kind"] == "portfolio" { quality = $column["quality"] } END { print quality + 0 }' "$1"
}
no_mismatch() { [ "$(stat_of "$1" "shadow channel ${2:-0}" input_mismatch)" -eq 0 ]; } # SITE [CHANNEL]
lines_of() { [ -f "$1" ] && wc -l <"$1" || echo 0; }
grown() { [ "$(lines_of "$1")" -gt "$2" ]; }
log_says() { grep -q -- "$2" "$dir/$1/riskwired.log"; }
