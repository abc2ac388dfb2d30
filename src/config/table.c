#include <stddef.h>

#include "config/option.h"

/* Places in struct config. */
#define OCTETS_OF(member)     sizeof(((struct config *)NULL)->member)
#define PLACE(member)         .at = offsetof(struct config, member), .octets = OCTETS_OF(member)
#define LIST(member, counter) PLACE(member), .count_at = offsetof(struct config, counter)

#define SECONDS(n)            (INT64_C(1000) * (n))
#define HOURS(n)              SECONDS(INT64_C(3600) * (n))
#define MEBI(n)               (INT64_C(1048576) * (n))

enum {
    PATH_OCTETS_MAX = 4095,    /* PATH_MAX without the NUL */
    SOCKET_OCTETS_MAX = 107,   /* unix(7): sun_path without the NUL */
    USER_OCTETS_MAX = 32,      /* useradd(8) */
    IDENTITY_OCTETS_MAX = 255, /* version.bind and its like are one <character-string> */
    EMAIL_OCTETS_MAX = 254,    /* RFC 5321 section 4.5.3.1.3 without the brackets */
    NUMBERS_MAX = 32,          /* lists of struct crypto_options */
    EDNS_OCTETS_MAX = 4096,    /* RFC 6891 section 6.2.5 */
    DNAME_GRACE_S_MAX = 5,     /* Knot Resolver keeps all data so long; Unbound DNAMEs for a second */
};

static const char *const log_levels[] = { "error", "warning", "info", "debug", NULL };
static const char *const optional_required[] = { "optional", "required", NULL };
static const char *const minimisations[] = { "off", "relaxed", "strict", NULL };
static const char *const minimisation_types[] = { "a", "ns", NULL };
static const char *const transports[] = { "udp", "tcp", NULL };
static const char *const cases[] = { "preserve", "random", NULL };
static const char *const dns64_reverses[] = { "alias", "direct", NULL };
static const char *const when_busy[] = { "servfail", "drop", NULL };
static const char *const policies[] = { "rfc9904", NULL };
static const char *const models[] = { "root", "configured", NULL };
static const char *const whens[] = { "auto", "true", "false", NULL };
static const char *const on_unfit[] = { "hold", "warn", "exit", NULL };

/* In the order of printing: the rows of a group stand together; what rests on other rows stands behind them. */
static const struct option options[] = {
    { "listen", &kind_addresses, "[127.0.0.1@53, \"::1@53\"]",
      "Addresses to answer on over UDP and TCP, each with \"@port\" if that is not 53. A default address that the host "
      "does not have is only warned of, one that is written here must be there.",
      .take = take_listen },
    { "allow", &kind_prefixes, "[127.0.0.0/8, \"::1\"]",
      "Networks whose hosts may ask. Others get REFUSED with the extended error 18 (Prohibited).",
      LIST(front.allow, front.allow_count) },
    { "refuse", &kind_prefixes, "[]",
      "Networks inside those of allow whose hosts get REFUSED all the same. The most specific network counts, so that "
      "one inside may be allowed again.",
      LIST(front.refuse, front.refuse_count) },
    { "ignore", &kind_prefixes, "[]",
      "Networks whose hosts get no answer at all. The most specific network of allow, refuse and ignore counts.",
      LIST(front.ignore, front.ignore_count) },
    { "snoop", &kind_prefixes, "[]",
      "Networks, of those that may ask, whose hosts may look into the cache: where the answer to a question without "
      "the RD bit is not cached they get the closest NS set that is, as a referral, and others REFUSED.",
      LIST(front.snoop, front.snoop_count) },
    { "workers", &kind_number, "auto",
      "Workers: each is a thread that resolves and serves TCP, and one for each address that receives by UDP. auto is "
      "one for each processor.",
      .word = "auto", .min = 1, .max = CONFIG_WORKERS_MAX, PLACE(workers), .needs_restart = true },
    { "user", &kind_text, "none",
      "The user to become after addresses and sockets are bound. none stays the user that started vouchd, with a "
      "warning if that is root.",
      .word = "none", .max = USER_OCTETS_MAX, PLACE(user), .needs_restart = true },
    { "state-directory", &kind_path, "/var/lib/vouch", "Where vouchd keeps what must outlive it.",
      .max = PATH_OCTETS_MAX, PLACE(state_directory), .needs_restart = true },
    { "state", &kind_choice, "optional",
      "required refuses to start when the state directory cannot be written, optional warns.",
      .words = optional_required, PLACE(state_required) },
    { "control-socket", &kind_path, "/run/vouch/control.sock",
      "Where vouchctl(8) finds vouchd. none has no such socket.", .word = "none", .max = SOCKET_OCTETS_MAX,
      PLACE(control_socket), .needs_restart = true },
    { "control.admins", &kind_texts, "[]",
      "Users, by name or number, who may stop vouchd, flush its cache and change its trust anchors, negative ones "
      "included, as root and the user of vouchd may. Who else can reach the socket may look, check and reload.",
      .take = take_admins },
    { "log-level", &kind_choice, "info", "The least important lines that are still logged.", .words = log_levels,
      PLACE(log_level) },

    { "cache.size", &kind_size, "256MiB", "Memory for all that is cached, its index included.", .min = MEBI(1),
      .max = MEBI(1048576), PLACE(cache.size_octets), .needs_restart = true },
    { "cache.max-ttl", &kind_duration, "1d", "No RRset is kept longer, whatever its TTL.", .min = SECONDS(1),
      .max = SECONDS(TTL_S_MAX), .unit = 1000, PLACE(cache.max_ttl_s) },
    { "cache.max-negative-ttl", &kind_duration, "3h", "No denial is kept longer (RFC 2308 section 5).",
      .min = SECONDS(1), .max = SECONDS(TTL_S_MAX), .unit = 1000, PLACE(cache.max_negative_ttl_s) },
    { "cache.max-bogus-ttl", &kind_duration, "1m",
      "Data that does not validate is kept no longer, nor is what cannot be judged: for so long a zone that has been "
      "mended may still fail (RFC 4035 section 4.7, RFC 9520 section 3.2).",
      .min = SECONDS(1), .max = SECONDS(FAILURE_TTL_S_MAX), .unit = 1000, PLACE(cache.max_bogus_ttl_s) },
    { "cache.min-ttl", &kind_duration, "0s",
      "Data is kept at least so long, whatever its TTL, but no longer than its signatures say. It may have changed by "
      "then: use it for zones with TTLs that are unreasonably short.",
      .min = 0, .max = HOURS(1), .unit = 1000, PLACE(resolver.least_ttl_s), .take = take_least_ttl },
    { "cache.min-negative-ttl", &kind_duration, "0s", "The same for denials.", .min = 0, .max = HOURS(1), .unit = 1000,
      PLACE(resolver.least_negative_ttl_s), .take = take_least_negative_ttl },
    { "cache.dname-grace", &kind_duration, "0s",
      "Use a DNAME of TTL 0 for so long, for all names below it, although it is meant for one question alone (RFC 1035 "
      "section 3.2.1). Clients still see TTL 0.",
      .min = 0, .max = SECONDS(DNAME_GRACE_S_MAX), .unit = 1000, PLACE(cache.dname_grace_s) },
    { "cache.keep-expired", &kind_duration, "1d",
      "How long data stays after its TTL, to be served while servers cannot be reached.", .min = 0,
      .max = SECONDS(TTL_S_MAX), .unit = 1000, PLACE(cache.keep_expired_s) },
    { "cache.file", &kind_path, "/run/vouch/cache",
      "A file that lets the cache outlive the process; its place is a tmpfs. Where it cannot be had the cache is in "
      "private memory, with a warning; none asks for that.",
      .word = "none", .max = PATH_OCTETS_MAX, PLACE(cache.file), .needs_restart = true },

    { "answers.edns-size", &kind_number, "1232",
      "The UDP size offered to clients, and the largest answer sent to them over UDP (RFC 9715).",
      .min = UDP_OCTETS_MIN, .max = EDNS_OCTETS_MAX, PLACE(answers.edns_octets) },
    { "answers.minimal", &kind_truth, "true",
      "Leave out what no client needs of the Authority and Additional sections. If not, the zone's NS set is passed on "
      "where its servers send it along with a denial or with the proof of a wildcard; it is never used for resolving.",
      PLACE(answers.minimal) },
    { "answers.tc-for-ns", &kind_truth, "false",
      "Where minimal is off and such an NS set finds no room beside the rest, it is left out. true sets TC then, so "
      "that clients get it over TCP, although nobody has to have it (RFC 2181 section 9).",
      PLACE(answers.tc_for_ns) },
    { "answers.yxdomain-without-ad", &kind_truth, "false",
      "YXDOMAIN says that a DNAME makes a name too long (RFC 6672 section 2.2). Where the DNAME is secure the reply "
      "has the "
      "AD bit (RFC 4035 section 3.2.3). true leaves it out, as Unbound does.",
      PLACE(answers.yxdomain_without_ad) },
    { "answers.rotate", &kind_truth, "true",
      "Begin the A and AAAA records of an answer with another one each time, so that clients that take the first "
      "share the load (RFC 1794).",
      PLACE(answers.rotate) },
    { "answers.original-ttl", &kind_truth, "false",
      "Show TTLs as the zone's servers sent them, not what is left of them: for a cache in front of servers of one's "
      "own, which should look like them. Other caches then keep data for longer than its zone says, and hits cost "
      "more.",
      .take = take_original_ttls },
    { "answers.deny-any", &kind_truth, "false",
      "Answer questions for all types of a name (ANY) without records (RFC 8482): such answers are large, and of use "
      "to attackers rather than to programs.",
      PLACE(front.denies_any) },
    { "answers.waiting-max", &kind_number, "4096",
      "Questions of clients that one worker looks up at a time; fewer where the system gives few descriptors. When all "
      "places are taken, the one that has waited for longest gives way to a new one. What is in the cache is answered "
      "all the same.",
      .min = 1, .max = FRONT_WAITING_MAX, PLACE(front.waiting_max) },
    { "answers.when-busy", &kind_choice, "servfail",
      "What clients get that ask beyond that: servfail lets them go elsewhere at once, drop sends nothing to addresses "
      "that may be forged.",
      .words = when_busy, PLACE(front.drops_when_busy) },
    { "answers.ede", &kind_truth, "true", "Tell clients why an answer failed (RFC 8914).", PLACE(answers.ede) },
    { "answers.cookies", &kind_truth, "true", "DNS cookies towards clients (RFC 7873, RFC 9018).",
      PLACE(front.cookies.enabled) },
    { "answers.cookie-secrets", &kind_secrets, "[]",
      "Secrets of 32 hexadecimal digits that several servers behind one address share (RFC 9018 section 5): cookies "
      "are made with the first, and believed when they were made with any of them. Without them vouchd takes secrets "
      "of its own, a new one each day.",
      .max = COOKIE_SECRETS_MAX, .take = take_cookie_secrets },
    { "answers.require-cookie", &kind_prefixes, "[]",
      "Networks whose hosts get answers over UDP only with a right cookie: with a wrong one they get BADCOOKIE and the "
      "right one, without any REFUSED and TC, so that they come back over TCP.",
      LIST(front.require_cookie, front.require_cookie_count) },
    { "answers.identity", &kind_text, "none",
      "The answer to id.server and hostname.bind, class CHAOS, type TXT (RFC 4892). none refuses it.", .word = "none",
      .max = IDENTITY_OCTETS_MAX, PLACE(front.identity) },
    { "answers.version", &kind_text, "none",
      "The answer to version.server and version.bind, class CHAOS, type TXT. none refuses it.", .word = "none",
      .max = IDENTITY_OCTETS_MAX, PLACE(front.version) },
    { "answers.trust-anchors", &kind_truth, "true",
      "Answer trustanchor.vouch and trustanchor.unbound, class CHAOS, type TXT, with the zones and key tags of the "
      "trust anchors in use.",
      PLACE(front.tells_anchors) },
    { "answers.nsid", &kind_text, "none",
      "The name server identifier, for clients that ask for it (RFC 5001): a text, or 0x and hexadecimal digits for "
      "other octets.",
      .word = "none", .max = 2 + 2 * NSID_OCTETS_MAX, .take = take_nsid },
    { "answers.dns64", &kind_pref64, "none",
      "The prefix of IPv6 addresses that are made of the IPv4 addresses of names without IPv6 addresses (RFC 6147), "
      "for networks behind NAT64. What is made is not signed and never Secure.",
      .word = "none", .take = take_pref64 },
    { "answers.dns64-ignore-aaaa", &kind_names, "[]",
      "Names at and below which IPv6 addresses are made although there are some.",
      LIST(retelling.dns64.ignored, retelling.dns64.ignored_count) },
    { "answers.dns64-reverse", &kind_choice, "alias",
      "What stands at the reverse name (below ip6.arpa) of an address that was made: alias is a CNAME to the name of "
      "the "
      "IPv4 address (RFC 6147 section 5.3.1), direct are the PTR records found there, as Unbound has it.",
      .words = dns64_reverses, PLACE(retelling.dns64.reverse_form) },

    { "answers.private-addresses", &kind_prefixes, "[]",
      "Networks whose addresses are left out of answers, so that no name outside can claim to be a host inside (DNS "
      "rebinding). What lacks an address is not signed and never Secure.",
      LIST(retelling.rebinding.networks, retelling.rebinding.network_count) },
    { "answers.private-domains", &kind_names, "[]",
      "Names at and below which such addresses stay. They stay below localhost, too.",
      LIST(retelling.rebinding.allowed, retelling.rebinding.allowed_count) },

    { "resolver.root-hints", &kind_path, "built-in",
      "Where the root servers are: a file in master format, read at start.", .word = "built-in", .max = PATH_OCTETS_MAX,
      .take = take_root_hints },
    { "resolver.prime-root", &kind_truth, "true", "Ask the root servers who they are (RFC 9609).",
      PLACE(resolver.prime_root) },
    { "resolver.prefetch", &kind_truth, "true",
      "Ask again for what is in use before it expires: when it is asked for in the last tenth of its TTL.",
      PLACE(resolver.prefetch) },
    { "resolver.ask-ipv4", &kind_truth, "true", "Talk to servers over IPv4.", PLACE(resolver.ask_ipv4) },
    { "resolver.ask-ipv6", &kind_truth, "true", "Talk to servers over IPv6.", PLACE(resolver.ask_ipv6),
      .take = take_families },
    { "resolver.nat64", &kind_pref64, "none",
      "The prefix of the NAT64 through which servers that have IPv4 addresses alone are asked (RFC 6052), for hosts "
      "without IPv4.",
      .word = "none", .take = take_nat64 },
    { "resolver.transport", &kind_choice, "udp",
      "What servers are asked over: udp turns to TCP where an answer is too large or UDP fails, tcp uses nothing else.",
      .words = transports, PLACE(resolver.tcp_alone) },
    { "resolver.qname-minimisation", &kind_choice, "relaxed",
      "Tell each server no more of a name than it needs (RFC 9156). relaxed asks for the whole name where a server "
      "takes the short one badly, strict does not.",
      .words = minimisations, PLACE(resolver.minimisation) },
    { "resolver.minimisation-type", &kind_choice, "a", "The type of minimised questions.", .words = minimisation_types,
      .take = take_minimisation_type },
    { "resolver.minimisation-hides-type", &kind_truth, "false",
      "Ask for the whole name, too, by that type first, so that no zone above learns what other type is asked for. It "
      "costs a question for most names.",
      PLACE(resolver.minimisation_hides_type) },
    { "resolver.query-case", &kind_choice, "random",
      "The case of letters in questions. random makes answers harder to forge, preserve keeps the client's.",
      .words = cases, PLACE(resolver.random_case) },
    { "resolver.query-case-except", &kind_names, "[]",
      "Names at and below which the case is kept all the same, for servers that do not copy it.",
      LIST(resolver.case_except, resolver.case_except_count) },
    { "resolver.verify-glue", &kind_truth, "false",
      "Look up the addresses of name servers outside the delegated zone even where the referral tells them, and take "
      "its word only when that fails. It costs questions, and makes some forgeries harder.",
      PLACE(resolver.verify_glue) },
    { "resolver.any-glue", &kind_truth, "false",
      "Take a referral's word for the addresses of all its name servers, also of those outside the zone that refers. "
      "They are used for that delegation alone, which helps where zones name each other's servers. The default looks "
      "such names up.",
      PLACE(resolver.any_glue) },
    { "resolver.more-addresses", &kind_truth, "false",
      "Where data of all addresses that a referral tells does not validate, look for more of them: IPv6 addresses of "
      "name "
      "servers for which it tells IPv4 ones alone, and the other way round. It costs questions for what is Bogus, and "
      "helps where one address leads to a server that is broken.",
      PLACE(resolver.more_addresses) },
    { "resolver.drop-malformed", &kind_truth, "false",
      "Leave out records of replies that are malformed, such as an address of three octets, and use the rest of their "
      "RRset. What is signed does not validate then. The default believes nothing of such an RRset (RFC 2181 section "
      "5), and asks over TCP and elsewhere.",
      PLACE(resolver.drops_malformed) },
    { "resolver.child-ns", &kind_truth, "false",
      "Ask also the name servers and addresses that a zone's own servers tell beside answers, and its parent does "
      "not. It helps where parents are out of date. Who forges an answer can name servers that way, too "
      "(CVE-2025-11411), and only signatures tell what these make up.",
      PLACE(resolver.child_ns) },
    { "resolver.ns-max", &kind_number, "none",
      "Use no more of a zone's name servers, and cut NS sets short that are longer and not signed. Clients see them "
      "cut, too (against RFC 2181 section 5). none uses up to 32 of them.",
      .word = "none", .min = 1, .max = NS_PER_ZONE_MAX, PLACE(resolver.ns_max) },
    { "resolver.questions-max", &kind_number, "128",
      "Questions to servers that one question of a client may cause, repeated ones and those for addresses and keys "
      "included. Beyond it is SERVFAIL.",
      .min = 1, .max = UPSTREAM_PACKETS_CEILING, PLACE(resolver.packets_max) },
    { "resolver.edns-size", &kind_number, "1232", "The UDP size offered to servers (RFC 9715).", .min = UDP_OCTETS_MIN,
      .max = EDNS_OCTETS_MAX, PLACE(resolver.edns_octets) },
    { "resolver.query-private", &kind_prefixes, "[]",
      "Special networks (loopback, RFC 1918 and others) whose addresses may be asked all the same. Addresses named in "
      "root-hints, forward and stub may always be asked.",
      LIST(resolver.query_private, resolver.query_private_count) },
    { "resolver.query-never", &kind_prefixes, "[]",
      "Networks whose addresses are never asked, even where resolver.forward or resolver.stub name them.",
      LIST(resolver.query_never, resolver.query_never_count) },
    { "resolver.client-strings", &kind_client_strings, "[]",
      "Texts that servers of a network are told in each question, such as a customer number that a forwarder asks for.",
      LIST(resolver.client_strings, resolver.client_string_count) },
    { "resolver.client-string-code", &kind_number, "65001", "The number of the EDNS option that they are sent in.",
      .min = EDNS_LOCAL_FIRST, .max = EDNS_LOCAL_LAST, PLACE(resolver.client_string_code) },
    { "resolver.nxdomain-cut", &kind_truth, "true",
      "Answer for names below those that do not exist (RFC 8020), if that has validated. Except and include of "
      "resolver.aggressive-nsec count here, too.",
      PLACE(resolver.nxdomain_cut) },
    { "resolver.aggressive-nsec.enabled", &kind_truth, "true",
      "Answer for names that cached NSEC and NSEC3 records deny, and for what cached wildcards yield (RFC 8198). Only "
      "what has validated is used.",
      PLACE(resolver.aggressive_nsec) },
    { "resolver.aggressive-nsec.except", &kind_names, "[]", "Zones at and below which that is not done.",
      LIST(resolver.aggressive_except, resolver.aggressive_except_count) },
    { "resolver.aggressive-nsec.include", &kind_names, "[]",
      "Zones at and below which that is done also where resolver.forward or resolver.stub say who answers.",
      LIST(resolver.aggressive_include, resolver.aggressive_include_count) },
    { "resolver.cookies", &kind_truth, "true",
      "DNS cookies towards servers (RFC 7873): replies that do not repeat ours are dropped.", PLACE(resolver.cookies) },
    { "resolver.serve-stale.enabled", &kind_truth, "true",
      "Answer with expired data while servers cannot be reached (RFC 8767): with a TTL of 30 seconds, the extended "
      "error 3 or 19, and without the AD bit. Only what was secure or insecure, and while its signatures are valid.",
      PLACE(resolver.stale.enabled) },
    { "resolver.serve-stale.max-age", &kind_duration, "1d",
      "How long after the end of its TTL. cache.keep-expired limits it, too.", .min = SECONDS(1),
      .max = SECONDS(TTL_S_MAX), .unit = 1000, PLACE(resolver.stale.max_age_s) },
    { "resolver.serve-stale.outlast", &kind_truth, "false",
      "Where nobody can tell anything newer, serve also what is older than max-age, for as long as cache.keep-expired "
      "keeps it: a client gets it when asking has failed, not before.",
      PLACE(resolver.stale.outlasts) },
    { "resolver.serve-stale.client-timeout", &kind_duration, "1800ms",
      "How long a client waits for fresh data before it gets what has expired; the question goes on without it. 0s "
      "does not wait at all.",
      .min = 0, .max = SECONDS(10), .unit = 1, PLACE(resolver.stale.client_timeout_ms) },
    { "resolver.serve-stale.on-bogus", &kind_truth, "false",
      "Also when there is fresh data and it is bogus. That hides what is wrong with the zone.",
      PLACE(resolver.stale.on_bogus) },
    { "resolver.serve-stale.authentic", &kind_truth, "false",
      "Set the AD bit on stale answers that were secure when they were fresh. Without it programs that rely on the "
      "bit, for DANE say, do not rely on what has expired.",
      PLACE(answers.stale_ad) },
    { "resolver.forward", &kind_forwards, "[]",
      "Zones that other resolvers answer: \"only\" lets their word be final, \"first\" goes on as if the rule were not "
      "there when they fail. \"transport: tcp\" never asks them over UDP. What they say is validated; with "
      "\"cache: false\" it is not kept for the next who asks. Addresses of \"names\" are looked up, and asked as well; "
      "special ones only if resolver.query-private has them.",
      .take = take_zone_rules },
    { "resolver.stub", &kind_stubs, "[]",
      "Zones whose servers are listed here instead of found by delegation; with \"mode: first\" by delegation, too, "
      "when those listed fail; with \"prime: true\" those listed are asked who the zone's servers are. The zone \".\" "
      "stands in for the root hints. \"cache: false\": as for "
      "forward zones, as are \"names\".",
      .take = take_zone_rules },

    { "rate-limit", &kind_later_group, "{}", "Limits of answers for each client network.", .not_yet = true },

    { "validation.algorithms.policy", &kind_choice, "rfc9904",
      "The edition of the registry that says which algorithms are verified.", .words = policies },
    { "validation.algorithms.allow", &kind_algorithms, "[]",
      "Algorithms that are verified although the policy leaves them out.", .max = NUMBERS_MAX,
      LIST(crypto.allow_algorithms, crypto.allow_algorithm_count), .take = take_allowed_algorithms },
    { "validation.algorithms.deny", &kind_algorithms, "[]",
      "Algorithms that are treated as unsupported: what is signed with nothing else is insecure.", .max = NUMBERS_MAX,
      LIST(crypto.deny_algorithms, crypto.deny_algorithm_count) },
    { "validation.algorithms.demand-all", &kind_truth, "false",
      "Take data as proven only if each supported algorithm that a zone's DS set or trust anchors name has signed it, "
      "so that the weakest one is not enough. RFC 6840 section 5.11 advises against it: zones that change their "
      "algorithm may fail.",
      PLACE(crypto.demand_all) },
    { "validation.digests.allow", &kind_digests, "[]",
      "DS digest types that are used although the policy leaves them out.", .max = NUMBERS_MAX,
      LIST(crypto.allow_digests, crypto.allow_digest_count) },
    { "validation.digests.deny", &kind_digests, "[]", "DS digest types that are treated as unsupported.",
      .max = NUMBERS_MAX, LIST(crypto.deny_digests, crypto.deny_digest_count) },
    { "validation.nsec3-iterations", &kind_number, "50",
      "NSEC3 records with more iterations are not used: what they should prove is insecure (RFC 9276 section 3.2).",
      .min = 0, .max = NSEC3_ITERATIONS_CEILING, PLACE(crypto.nsec3_iterations) },
    { "validation.signature-ttl-cap", &kind_truth, "true",
      "Keep nothing longer than its signatures are valid (RFC 4035 section 5.3.3).", PLACE(cache.signature_ttl_cap) },
    { "validation.report-errors", &kind_truth, "true",
      "Tell the agent that a zone's servers name what is wrong with the zone (RFC 9567), ten times a second at most.",
      PLACE(resolver.report_errors) },
    { "validation.ignore-cd", &kind_truth, "false",
      "Give clients that set CD nothing but what others get, so that none can be talked into Bogus data. Those that "
      "validate by themselves lose what they need when our clock or anchors are wrong.",
      PLACE(front.ignores_cd) },
    { "validation.signal-algorithms", &kind_truth, "false", "Tell servers which algorithms are understood (RFC 6975).",
      PLACE(resolver.signal_algorithms) },

    { "local.special-use-names", &kind_truth, "true",
      "Answer localhost, reverse zones of private networks and other special names here (RFC 6761, RFC 6303), with "
      "answers.dns64 also ipv4only.arpa (RFC 8880).",
      PLACE(resolver.special_use_names) },
    { "local.data", &kind_texts, "[]",
      "Records such as \"host.lan. 300 IN A 192.0.2.1\" that are told instead of what the DNS says of their names. "
      "They are not signed and never Secure.",
      .take = take_local_data },
    { "local.zones", &kind_local_zones, "[]",
      "What is said of names without records in local.data: static denies them, redirect tells them the records of the "
      "zone's own name, transparent resolves them, as it does special-use names, and type-transparent also the types "
      "that a name with records has none of. refuse, nxdomain, nodata and null (the addresses 0.0.0.0 and ::) let no "
      "record of the zone be told. The nearest zone counts, be it one of resolver.forward or resolver.stub.",
      .take = take_local_zones },

    { "trust.model", &kind_choice, "root",
      "root needs a trust anchor for the root, configured takes the anchors as they are, be it none, and "
      "names what they do not cover.",
      .words = models, PLACE(trust_model) },
    { "trust.anchors", &kind_texts, "built-in",
      "Trust anchors as records such as \". IN DS 20326 8 2 ...\". built-in are the keys that IANA has published for "
      "the root, and those of Debian's package dns-root-data.",
      .word = "built-in", .take = take_anchors },
    { "trust.anchor-files", &kind_paths, "[]",
      "Files in master format whose DS and DNSKEY records are trust anchors as well. They are read, never written.",
      .take = take_anchor_files },
    { "trust.automatic-update", &kind_truth, "true",
      "Ask the zones of trust anchors for their keys at intervals, and follow key rollovers (RFC 5011). What is learnt "
      "is kept in the state directory.",
      PLACE(automatic_update) },
    { "trust.signal-anchors", &kind_truth, "true", "Tell servers which trust anchors are in use (RFC 8145).",
      PLACE(resolver.signal_anchors) },
    { "trust.sentinel", &kind_truth, "true",
      "Let clients find out which root keys are trusted, by the names root-key-sentinel-... (RFC 8509).",
      PLACE(retelling.sentinel) },
    { "trust.bootstrap.enabled", &kind_choice, "auto",
      "When none of the root's published keys is a trust anchor, take the new ones from IANA's root-anchors.xml if its "
      "signature is good and they validate what is published (RFC 9718). auto does so while trust.anchors is built-in, "
      "true also beside anchors that are configured; these are added to, never replaced.",
      .words = whens, PLACE(bootstrap.when) },
    { "trust.bootstrap.sources", &kind_texts,
      "[\"https://data.iana.org/root-anchors/\", \"http://data.iana.org/root-anchors/\"]",
      "Where root-anchors.xml, root-anchors.p7s and icannbundle.pem are, tried in this order: addresses of directories "
      "(http, https or file) with a slash at the end. Names are resolved without validation: the signature decides.",
      .max = BOOTSTRAP_SOURCES_MAX, .take = take_bootstrap_sources },
    { "trust.bootstrap.authorities", &kind_texts, "icann",
      "SHA-256 fingerprints of the certification authorities that may vouch for the signer of root-anchors.xml. icann "
      "are ICANN's two. Others are for laboratories.",
      .word = "icann", .max = CMS_PINS_MAX, .take = take_bootstrap_authorities },
    { "trust.bootstrap.signer", &kind_text, "dnssec@iana.org", "The e-mail address in the signer's certificate.",
      .max = EMAIL_OCTETS_MAX, PLACE(bootstrap.signer) },
    { "trust.bootstrap.tls-authorities", &kind_path, "system",
      "A PEM file of the certification authorities that vouch for https sources.", .word = "system",
      .max = PATH_OCTETS_MAX, PLACE(bootstrap.tls_authorities) },
    { "trust.bootstrap.timeout", &kind_duration, "10s", "How long one document may take.", .min = SECONDS(1),
      .max = SECONDS(60), PLACE(bootstrap.timeout_ms) },
    { "trust.negative", &kind_negatives, "[]",
      "Negative trust anchors (RFC 7646): zones that are not validated until a time. One that has passed is ignored, "
      "one that is more than seven days away ends seven days after it was first seen; both are warned of. vouchctl nta "
      "add makes one without a change of the configuration.",
      .take = take_negatives },
    { "trust.negative-recheck", &kind_duration, "5m",
      "How often zones with a negative trust anchor are validated all the same: one that is well three times in a row "
      "loses it. Up to a tenth earlier, and sooner behind a good result.",
      .min = SECONDS(1), .max = SECONDS(86400), .unit = 1000, PLACE(negative_recheck_s) },
    { "trust.insecure", &kind_insecures, "[]",
      "Zones without signatures below a signed parent that are not validated. Only at or below a zone of "
      "resolver.forward or resolver.stub, or of local.zones if none of its names are resolved (transparent and "
      "type-transparent resolve).",
      .take = take_insecures },

    { "time.servers", &kind_time_servers, "[]",
      "SNTP servers, three or more and of different operators, that the clock is compared with. Addresses, since names "
      "would need validation, and with that the time. A server with nts must prove by a certificate for that name "
      "that it is the one (NTS, RFC 8915); its address is that of key establishment, port 4460 unless another is "
      "written. While such servers answer, they alone decide.",
      LIST(time_servers, time_server_count), .max = CLOCK_SAMPLES_MAX },
    { "time.nts-ca", &kind_path, "system",
      "A file in PEM with the authorities that certificates of servers with nts may come from. It is read whenever "
      "keys are asked for.",
      .word = "system", .max = PATH_OCTETS_MAX, PLACE(nts_authorities) },
    { "time.floor", &kind_floor, "stored",
      "The time before which the clock is not believed: build is when vouchd was built, stored is that or the latest "
      "time seen, whichever is later.",
      .word = "none", .take = take_floor },
    { "time.max-offset", &kind_duration, "60s",
      "How far the clock may be from the time of the servers. What goes beyond it at once is a jump.",
      .min = SECONDS(1), .max = HOURS(24), .unit = 1000, PLACE(clock.max_offset_s) },
    { "time.on-unfit", &kind_choice, "hold",
      "While the clock cannot be right: hold answers SERVFAIL with the extended error 14 (Not Ready) to all who have "
      "not set CD, warn only says so, exit ends vouchd with code 75.",
      .words = on_unfit, PLACE(on_unfit) },

    { "self-test.interval", &kind_duration, "never", "How often vouchd checks its own transports.", .word = "never",
      .min = SECONDS(60), .max = SECONDS(TTL_S_MAX), .unit = 1000, .not_yet = true, .is_harmless = true },
};

const struct option *option_table(size_t *count)
{
    *count = ARRAY_LEN(options);
    return options;
}

int option_find(const char *key)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (strcmp(options[i].key, key) == 0)
            return (int)i;
    }
    return -1;
}

bool option_is_group(const char *key)
{
    size_t len = strlen(key);
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (strncmp(options[i].key, key, len) == 0 && options[i].key[len] == '.')
            return true;
    }
    return false;
}

/* ---- what was meant ---- */

enum { GUESSED_OCTETS_MAX = 64, WORST = 1000 };

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* How many letters must be put in, taken out, replaced, or swapped with the next one to make one of the other
 * (Levenshtein, Damerau). */
static unsigned distance(const char *a, const char *b)
{
    unsigned rows[3][GUESSED_OCTETS_MAX + 1];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];
    size_t len = strlen(b);
    if (len > GUESSED_OCTETS_MAX || strlen(a) > GUESSED_OCTETS_MAX)
        return WORST;
    for (unsigned k = 0; k <= len; k++)
        row[k] = k;
    for (unsigned i = 1; a[i - 1] != '\0'; i++) {
        unsigned *spare = before;
        before = above;
        above = row;
        row = spare;
        row[0] = i;
        for (size_t k = 1; k <= len; k++) {
            unsigned replaced = above[k - 1] + (a[i - 1] != b[k - 1]);
            row[k] = least(replaced, least(above[k], row[k - 1]) + 1);
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                row[k] = least(row[k], before[k - 2] + 1);
        }
    }
    return row[len];
}

static const char *last_part(const char *key)
{
    const char *dot = strrchr(key, '.');
    return dot == NULL ? key : dot + 1;
}

/* The right key in the wrong group counts as one mistake. */
static unsigned mistakes(const char *written, const char *known)
{
    bool is_moved = strcmp(last_part(written), last_part(known)) == 0;
    return is_moved ? 1 : distance(written, known);
}

const char *option_nearest(struct arena *arena, const char *key)
{
    size_t len = strnlen(key, GUESSED_OCTETS_MAX);
    unsigned fewest = (unsigned)len / 3 + 1;
    const char *nearest = NULL;
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        for (const char *end = options[i].key; *end != '\0';) { /* its groups, then itself */
            end += 1 + strcspn(end + 1, ".");
            const char *known = arena_printf(arena, "%.*s", (int)(end - options[i].key), options[i].key);
            unsigned count = mistakes(key, known);
            if (count >= fewest)
                continue;
            fewest = count;
            nearest = known;
        }
    }
    return nearest;
}

/* ---- text ---- */

const char *option_expected(struct arena *arena, const struct option *option)
{
    const char *what = option->kind->what != NULL ? option->kind->what : option->kind->expected(arena, option);
    return option->word == NULL ? what : arena_printf(arena, "%s, or %s", what, option->word);
}

static void option_print(const struct option *option, const struct value *value, struct text *to)
{
    if (value->is_word)
        text_printf(to, "%s", option->word);
    else
        option->kind->print(option, value, to);
}

const char *option_text(struct arena *arena, const struct option *option, const struct value *value)
{
    struct text text = text_new(arena);
    option_print(option, value, &text);
    return text.data;
}

static bool is_plain(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./@_-";
    return text[0] != '\0' && text[0] != '-' && text[0] != '@' && text[strspn(text, letters)] == '\0';
}

/* One character of UTF-8 that libyaml has accepted; *at moves behind it. */
static uint32_t character(const uint8_t **at)
{
    static const uint8_t first_bits[] = { 0x7f, 0x1f, 0x0f, 0x07 };
    unsigned more = **at < 0xc0 ? 0 : **at < 0xe0 ? 1 : **at < 0xf0 ? 2 : 3;
    uint32_t c = *(*at)++ & first_bits[more];
    for (; more > 0 && (**at & 0xc0) == 0x80; more--)
        c = c << 6 | (*(*at)++ & 0x3f);
    return c;
}

void print_yaml_text(struct text *to, const char *text)
{
    if (is_plain(text)) {
        text_printf(to, "%s", text);
        return;
    }
    text_printf(to, "\"");
    for (const uint8_t *at = (const uint8_t *)text; *at != '\0';) {
        uint32_t c = character(&at);
        if (c == '"' || c == '\\')
            text_printf(to, "\\%c", (char)c);
        else if (c >= 0x20 && c < 0x7f)
            text_printf(to, "%c", (char)c);
        else
            text_printf(to, "\\U%08x", c);
    }
    text_printf(to, "\"");
}
