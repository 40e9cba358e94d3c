# Counting test cases for tests/run: plain scripts and meson suites into one sum. Sourced, not run.
passed=0 failed=0 skipped=0

count_pass() { passed=$((passed + 1)); }
count_fail() { failed=$((failed + 1)) && echo "FAILED: $1"; }
count_skip() { skipped=$((skipped + 1)) && echo "skipped: $1"; }
counts_line() { echo "$passed passed, $failed failed, $skipped skipped so far"; }
counts_close() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

# count_meson TESTLOG LABEL: adds the cases of a meson log (cmocka's own counts where it printed them).
count_meson() {
    local line p f s
    [ -f "$1" ] || { count_fail "$2: no test log" && return; }
    while IFS=$'\t' read -r p f s line; do
        [ -n "$line" ] && echo "$line" && continue
        passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    done < <(python3 tests/lib/meson_counts.py "$1" "$2")
}

# run_script SCRIPT BUILD: exit 0 = passed, 77 = skipped (its last line says why), else failed.
run_script() {
    local log
    log=build/results/$(basename "$1").log
    timeout "${RW_SCRIPT_TIMEOUT:-300}" "$1" "$2" >"$log" 2>&1
    case $? in
    0) count_pass ;;
    77) count_skip "$1: $(tail -n 1 "$log")" ;;
    *) tail -n 25 "$log" && count_fail "$1" ;;
    esac
}
