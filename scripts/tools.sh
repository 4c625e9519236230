#!/bin/sh
# scripts/tools.sh: programs beside Python that some tests run for real, from Debian's packages.
#
# Root gets what is missing installed (LYCHGATE_APT=no leaves the machine alone); anybody else is told. Never
# fails: a group of tests whose program is not there skips and says so.
set -u

missing=""
command -v promtool >/dev/null 2>&1 || missing="$missing prometheus"
command -v systemd-analyze >/dev/null 2>&1 || missing="$missing systemd"
[ -x /bin/kill ] || missing="$missing procps" # the unit's reload; systemd-analyze looks for it
command -v dnsmasq >/dev/null 2>&1 || [ -x /usr/sbin/dnsmasq ] || missing="$missing dnsmasq-base"
command -v fstrm_capture >/dev/null 2>&1 || missing="$missing fstrm-bin"
command -v dnstap-ldns >/dev/null 2>&1 || missing="$missing dnstap-ldns"
command -v rsyslogd >/dev/null 2>&1 || [ -x /usr/sbin/rsyslogd ] || missing="$missing rsyslog"
command -v openssl >/dev/null 2>&1 || missing="$missing openssl"
command -v nft >/dev/null 2>&1 || [ -x /usr/sbin/nft ] || missing="$missing nftables"
[ -x /etc/udhcpc/default.script ] || missing="$missing udhcpc"
command -v unbound >/dev/null 2>&1 || [ -x /usr/sbin/unbound ] || missing="$missing unbound"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium fonts-liberation"
command -v debootstrap >/dev/null 2>&1 || [ -x /usr/sbin/debootstrap ] || missing="$missing debootstrap"
command -v systemd-nspawn >/dev/null 2>&1 || missing="$missing systemd-container"
libraries=$(/sbin/ldconfig -p 2>/dev/null) # WeasyPrint makes reports into PDF with these
case $libraries in *libpangoft2-1.0.so.0*) ;; *) missing="$missing libpango-1.0-0 libpangoft2-1.0-0 fonts-liberation" ;; esac
found=""
for server in /usr/lib/postgresql/*/bin/postgres; do [ -x "$server" ] && found=yes; done
[ -n "$found" ] || missing="$missing postgresql"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 && [ "${LYCHGATE_APT:-yes}" != no ]; then
    echo "tools: installing$missing for the tests (LYCHGATE_APT=no prevents it) ..."
    export DEBIAN_FRONTEND=noninteractive
    log=$(mktemp)
    # No service is to start on the machine that runs tests.
    if { apt-get update -q && RUNLEVEL=1 apt-get install -q -y --no-install-recommends $missing; } \
        >"$log" 2>&1; then
        rm -f "$log"
        exit 0
    fi
    tail -n 5 "$log"
    rm -f "$log"
fi
echo "tools: not here:$missing; their tests will skip. As root: apt-get install$missing"
exit 0
