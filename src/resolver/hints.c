/* Root hints: where priming begins (RFC 9609). */
#include <assert.h>

#include "message/master.h"
#include "resolver/options.h"

/* IANA's named.root of 2024. */
static const char built_in[] =
    ". NS a.root-servers.net.\na.root-servers.net. A 198.41.0.4\na.root-servers.net. AAAA 2001:503:ba3e::2:30\n"
    ". NS b.root-servers.net.\nb.root-servers.net. A 170.247.170.2\nb.root-servers.net. AAAA 2801:1b8:10::b\n"
    ". NS c.root-servers.net.\nc.root-servers.net. A 192.33.4.12\nc.root-servers.net. AAAA 2001:500:2::c\n"
    ". NS d.root-servers.net.\nd.root-servers.net. A 199.7.91.13\nd.root-servers.net. AAAA 2001:500:2d::d\n"
    ". NS e.root-servers.net.\ne.root-servers.net. A 192.203.230.10\ne.root-servers.net. AAAA 2001:500:a8::e\n"
    ". NS f.root-servers.net.\nf.root-servers.net. A 192.5.5.241\nf.root-servers.net. AAAA 2001:500:2f::f\n"
    ". NS g.root-servers.net.\ng.root-servers.net. A 192.112.36.4\ng.root-servers.net. AAAA 2001:500:12::d0d\n"
    ". NS h.root-servers.net.\nh.root-servers.net. A 198.97.190.53\nh.root-servers.net. AAAA 2001:500:1::53\n"
    ". NS i.root-servers.net.\ni.root-servers.net. A 192.36.148.17\ni.root-servers.net. AAAA 2001:7fe::53\n"
    ". NS j.root-servers.net.\nj.root-servers.net. A 192.58.128.30\nj.root-servers.net. AAAA 2001:503:c27::2:30\n"
    ". NS k.root-servers.net.\nk.root-servers.net. A 193.0.14.129\nk.root-servers.net. AAAA 2001:7fd::1\n"
    ". NS l.root-servers.net.\nl.root-servers.net. A 199.7.83.42\nl.root-servers.net. AAAA 2001:500:9f::42\n"
    ". NS m.root-servers.net.\nm.root-servers.net. A 202.12.27.33\nm.root-servers.net. AAAA 2001:dc3::35\n";

static struct delegation *new_hints(struct arena *arena)
{
    struct delegation *hints = ARENA_NEW(arena, struct delegation);
    hints->zone = *dname_root();
    hints->is_hint = true;
    hints->servers = ARENA_ARRAY(arena, NS_PER_ZONE_MAX, struct delegation_server);
    return hints;
}

/* An address may stand before or behind the NS record that makes it a root server's. */
static struct delegation_server *get_server(struct delegation *hints, const struct dname *name, struct arena *arena)
{
    struct delegation_server *server = delegation_find_server(hints, name);
    if (server == NULL && hints->server_count < NS_PER_ZONE_MAX) {
        server = &hints->servers[hints->server_count++];
        server->name = *name;
        server->addresses = ARENA_ARRAY(arena, ADDRESSES_PER_NS_MAX, struct address);
    }
    return server;
}

static const char *add_record(struct delegation *hints, const struct master_record *record, struct arena *arena)
{
    struct dname name = record->owner;
    if (record->type == TYPE_NS) {
        if (!dname_is_root(&record->owner))
            return "an NS record that is not at the root";
        if (rdata_name(record->rdata, &name) != OK || get_server(hints, &name, arena) == NULL)
            return "too many name servers";
        return NULL;
    }
    if (record->type != TYPE_A && record->type != TYPE_AAAA)
        return "expected NS, A and AAAA records only";
    struct delegation_server *server = get_server(hints, &name, arena);
    if (server == NULL || server->address_count == ADDRESSES_PER_NS_MAX)
        return "too many addresses";
    if (address_from_rdata(record->type, record->rdata, 53, &server->addresses[server->address_count]) != OK)
        return "not an address";
    server->address_count++;
    return NULL;
}

static bool has_address(const struct delegation *hints)
{
    for (uint16_t i = 0; i < hints->server_count; i++)
        if (hints->servers[i].address_count > 0)
            return true;
    return false;
}

enum err root_hints_from_text(struct arena *arena, const char *text, size_t len, struct delegation **hints,
                              const char **error)
{
    struct master *master = master_new(text, len, NULL);
    struct master_record record;
    enum err err;
    *hints = new_hints(arena);
    *error = NULL;
    while ((err = master_next(master, &record)) == OK) {
        const char *wrong = add_record(*hints, &record, arena);
        if (wrong == NULL)
            continue;
        *error = arena_printf(arena, "line %u: %s", record.line, wrong);
        master_free(master);
        return ERR_FORMAT;
    }
    if (err != ERR_NOT_FOUND)
        *error = arena_strdup(arena, master_error(master));
    else if (!has_address(*hints))
        *error = "no address of a root server in it";
    master_free(master);
    return *error == NULL ? OK : ERR_FORMAT;
}

struct delegation *root_hints_built_in(struct arena *arena)
{
    struct delegation *hints;
    const char *error;
    enum err err = root_hints_from_text(arena, built_in, sizeof(built_in) - 1, &hints, &error);
    assert(err == OK);
    (void)err;
    return hints;
}

struct resolver_options resolver_options_default(struct arena *arena)
{
    return (struct resolver_options) {
        .root_hints = root_hints_built_in(arena),
        .prime_root = true,
        .ask_ipv4 = true,
        .ask_ipv6 = true,
        .minimisation = MINIMISATION_RELAXED,
        .minimisation_type = TYPE_A,
        .random_case = true,
        .packets_max = UPSTREAM_PACKETS_MAX,
        .edns_octets = UDP_OCTETS_DEFAULT,
        .client_string_code = EDNS_LOCAL_FIRST,
        .special_use_names = true,
        .nxdomain_cut = true,
        .aggressive_nsec = true,
        .cookies = true,
        .stale = {
            .max_age_s = CACHE_TTL_S_DEFAULT,
            .client_timeout_ms = STALE_CLIENT_TIMEOUT_MS,
            .ttl_s = STALE_TTL_S,
            .recheck_s = STALE_RECHECK_S,
        },
    };
}
