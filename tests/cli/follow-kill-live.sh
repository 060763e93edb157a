# Killed at any instant, with only the live log named: what it was is found by itself.
command -v python3 >/dev/null || skip "python3 is not there"
common=$DATA/../common
expect_status 0 timeout 100 "$common/follow-kill" 55 live \
    "$common/fake-goflow2" logs/goflow2.log 3000
expect_status 0 flowan-archive verify A
