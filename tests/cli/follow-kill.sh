# Killed at any instant, with rotated logs among the globs: each record once, in order.
command -v python3 >/dev/null || skip "python3 is not there"
common=$DATA/../common
expect_status 0 timeout 100 "$common/follow-kill" 55 all \
    "$common/fake-goflow2" logs/goflow2.log 3000
expect_status 0 flowan-archive verify A
