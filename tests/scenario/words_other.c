/* Words of the runner's own, words that need no doing, and those of the rest of Unbound's manual. */
#include "tests/scenario/story_words.h"

static const char tuning[] = "tuning of an implementation, no rule of the protocol";
static const char not_asked[] = "we never ask by ourselves here";
static const char stricter[] = "our scrubbing is no option";

static const struct word words[] = {
    { "vouch-unanswered-fails", SWITCH(config.unanswered_fails) },
    { "vouch-upstream-max", NUMBER(config.upstream_max) },
    { "vouch-checks-max", NUMBER(config.checks_max) },
    { "vouch-hashes-max", NUMBER(config.hashes_max) },

    { "minimal-responses", .why = "what minimal responses leave out may be missing in all stories" },
    { "force-ipv6", .why = "addresses of servers are as told" },
    { "iter-scrub-rrsig", .why = tuning },
    { "iter-scrub-cname", .why = "a chain that is cut short is asked for link by link, with the same outcome" },
    { "ede", .why = "ours are always sent; MATCH ede= compares them" },
    { "ede-serve-expired", .why = "goes with serve-expired" },
    { "target-fetch-policy", .why = tuning },
    { "outbound-msg-retry", .why = tuning },
    { "max-query-restarts", .why = tuning },
    { "discard-timeout", .why = tuning },
    { "rrset-roundrobin", .why = "sections are compared as sets" },
    { "harden-referral-path", .why = not_asked },
    { "harden-dnssec-stripped", .why = stricter },
    { "harden-unknown-additional", .why = stricter },
    { "log-time-ascii", .why = "logging" },
    { "log-servfail", .why = "logging" },
    { "verbosity", .why = "logging" },
    { "directory", .why = "no files are read" },
};

const struct word_list other_words = { words, ARRAY_LEN(words) };

/* The rest of Unbound's manual.  needs or why count for all of a row. */
static const struct word_group {
    const char *needs, *why;
    const char *keys; /* with blanks around each */
} word_groups[] = {
    { .why = "logging and statistics",
      .keys =
          " statistics-interval statistics-cumulative statistics-inhibit-zero extended-statistics shm-enable shm-key"
          " logfile use-syslog log-identity log-time-iso log-queries log-replies log-tag-queryreply log-destaddr"
          " log-local-actions log-thread-id val-log-level val-log-squelch rpz-log rpz-log-name dnstap-bidirectional"
          " dnstap-socket-path dnstap-ip dnstap-tls dnstap-send-identity dnstap-send-version dnstap-identity"
          " dnstap-version dnstap-log-resolver-query-messages dnstap-log-resolver-response-messages"
          " dnstap-log-client-query-messages dnstap-log-client-response-messages"
          " dnstap-log-forwarder-query-messages dnstap-log-forwarder-response-messages " },
    { .why = "sockets, processes and files of another program",
      .keys = " num-threads port interface interface-automatic interface-automatic-ports outgoing-interface"
              " outgoing-range outgoing-port-permit outgoing-port-avoid outgoing-num-tcp incoming-num-tcp so-rcvbuf"
              " so-sndbuf so-reuseport ip-transparent ip-freebind ip-dscp tcp-mss outgoing-tcp-mss tcp-idle-timeout"
              " tcp-reuse-timeout max-reuse-tcp-queries tcp-auth-query-timeout tcp-connection-limit use-systemd"
              " do-daemonize chroot username pidfile udp-upstream-without-downstream sock-queue-timeout"
              " stream-wait-size msg-buffer-size tls-service-key tls-service-pem tls-port tls-cert-bundle"
              " tls-win-cert tls-system-cert tls-additional-port tls-session-ticket-keys tls-ciphers"
              " tls-ciphersuites tls-use-sni pad-responses pad-responses-block-size pad-queries"
              " pad-queries-block-size ssl-service-key ssl-service-pem ssl-port https-port http-endpoint"
              " http-max-streams http-query-buffer-size http-response-buffer-size http-nodelay"
              " http-notls-downstream http-user-agent hide-http-user-agent quic-port quic-size remote-control"
              " control-enable control-interface control-port control-use-cert server-key-file server-cert-file"
              " control-key-file control-cert-file ip-address proxy-protocol-port ssl-cert-bundle tls-protocols " },
    { .why = tuning,
      .keys = " msg-cache-size msg-cache-slabs rrset-cache-size rrset-cache-slabs infra-host-ttl infra-lame-ttl"
              " infra-cache-slabs infra-cache-numhosts infra-cache-lame-size infra-cache-min-rtt"
              " infra-cache-max-rtt infra-keep-probing key-cache-size key-cache-slabs neg-cache-size jostle-timeout"
              " delay-close unknown-server-time-limit wait-limit wait-limit-cookie wait-limit-netblock"
              " wait-limit-cookie-netblock unwanted-reply-threshold prefer-ip4 prefer-ip6 max-sent-count"
              " fast-server-permil fast-server-num low-rtt low-rtt-permil cookie-secret-file"
              " val-sig-skew-min val-sig-skew-max val-clean-additional harden-short-bufsize harden-large-queries"
              " do-tcp do-udp "
              " disable-dnssec-lame-check low-rtt-pct udp-connect zonemd-permissive-mode define-tag ratelimit-size "
              "ratelimit-slabs"
              " ratelimit-factor ratelimit-backoff ip-ratelimit-size ip-ratelimit-slabs ip-ratelimit-factor"
              " ip-ratelimit-backoff permit-small-holddown keep-missing prefetch-key " },
    { .why = "special-use names are resolved in all stories", .keys = " unblock-lan-zones insecure-lan-zones " },
    { .needs = "files",
      .keys =
          " TEMPFILE root-hints trust-anchor-file auto-trust-anchor-file trusted-keys-file include dlv-anchor-file " },
    { .needs = "other hold-downs than those of RFC 5011", .keys = " add-holddown del-holddown " },
    { .needs = "passing on what is Bogus", .keys = " val-permissive-mode disable-edns-do " },
    { .needs = "lookaside validation", .keys = " dlv-anchor " },
    { .needs = "rate limits",
      .keys = " ratelimit ratelimit-for-domain ratelimit-below-domain ip-ratelimit ip-ratelimit-cookie " },
    { .needs = "policy by client or address",
      .keys = " local-zone-tag local-zone-override view view-first access-control-tag access-control-tag-action "
              "access-control-tag-data"
              " access-control-view interface-action interface-tag interface-tag-action interface-tag-data"
              " interface-view response-ip response-ip-data response-ip-tag rpz rpz-action-override " },
    { .needs = "zones of its own",
      .keys = " auth-zone zonefile primary master url allow-notify fallback-enabled for-downstream for-upstream"
              " zonemd-check zonemd-reject-absence " },
    { .needs = "DNS over TLS towards servers",
      .keys = " stub-tls-upstream stub-ssl-upstream forward-tls-upstream forward-ssl-upstream tls-upstream"
              " ssl-upstream " },
    { .needs = "client subnets",
      .keys = " send-client-subnet client-subnet-zone client-subnet-always-forward client-subnet-opcode"
              " max-client-subnet-ipv6 max-client-subnet-ipv4 min-client-subnet-ipv6 min-client-subnet-ipv4"
              " max-ecs-tree-size-ipv4 max-ecs-tree-size-ipv6 " },
    { .needs = "modules of another program",
      .keys = " cachedb backend secret-seed cachedb-no-store cachedb-check-when-serve-expired redis-server-host"
              " python python-script dynlib dynlib-file ipset name-v4 name-v6 dnstap dnstap-enable dnscrypt"
              " dnscrypt-enable ipsecmod-enabled ipsecmod-hook ipsecmod-strict " },
};

bool foreign_word(struct arena *arena, const char *key, struct word *word)
{
    const char *wanted = arena_printf(arena, " %s ", key);
    for (size_t i = 0; i < ARRAY_LEN(word_groups); i++) {
        *word = (struct word) { .key = key, .needs = word_groups[i].needs, .why = word_groups[i].why };
        if (strstr(word_groups[i].keys, wanted) != NULL)
            return true;
    }
    return false;
}
