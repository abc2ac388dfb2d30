#include "front/cookies.h"

enum { /* places in a cookie: RFC 9018 section 4 */
       VERSION_AT = COOKIE_CLIENT_OCTETS,
       TIME_AT = VERSION_AT + 4,
       HASH_AT = TIME_AT + 4,
       VERSION = 1,
       ADDRESS_OCTETS_MAX = 16,
};
_Static_assert(HASH_AT + SIPHASH_OCTETS == COOKIE_OCTETS, "RFC 9018 section 4");

static void put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* ---- secrets ---- */

/* Which of them was in use yesterday does not tell which is today: SipHash is a pseudorandom function. */
static struct siphash_key secret_of(const struct siphash_key *master, int64_t period)
{
    struct siphash_key secret;
    uint8_t input[9];
    put_u32(input, (uint32_t)((uint64_t)period >> 32));
    put_u32(input + 4, (uint32_t)period);
    for (uint8_t half = 0; half < 2; half++) {
        input[8] = half;
        siphash(master, (struct octets) { input, sizeof(input) }, secret.octets + half * SIPHASH_OCTETS);
    }
    return secret;
}

void cookie_keys_set(struct cookie_keys *keys, const struct cookie_options *options, const struct siphash_key *master,
                     struct now now)
{
    int64_t period = now_wall_s(now) / COOKIE_SECRET_S;
    if (!options->enabled || (keys->count > 0 && keys->period == period))
        return;
    keys->period = period;
    keys->count = options->secret_count;
    memcpy(keys->keys, options->secrets, sizeof(keys->keys));
    if (keys->count > 0)
        return;
    keys->keys[keys->count++] = secret_of(master, period);
    keys->keys[keys->count++] = secret_of(master, period - 1);
}

/* ---- cookies ---- */

/* RFC 9018 section 4.4: all that stands before the hash, and the address. */
static void hash_cookie(const struct siphash_key *key, const uint8_t *cookie, const struct address *client,
                        uint8_t hash[SIPHASH_OCTETS])
{
    uint8_t input[HASH_AT + ADDRESS_OCTETS_MAX];
    size_t address_octets = client->family == 4 ? 4 : ADDRESS_OCTETS_MAX;
    memcpy(input, cookie, HASH_AT);
    memcpy(input + HASH_AT, client->octets, address_octets);
    siphash(key, (struct octets) { input, HASH_AT + address_octets }, hash);
}

static void make_cookie(const struct cookie_keys *keys, const uint8_t *client_part, const struct address *client,
                        uint32_t now_s, uint8_t cookie[COOKIE_OCTETS])
{
    memmove(cookie, client_part, COOKIE_CLIENT_OCTETS);
    put_u32(cookie + VERSION_AT, (uint32_t)VERSION << 24);
    put_u32(cookie + TIME_AT, now_s);
    hash_cookie(&keys->keys[0], cookie, client, cookie + HASH_AT);
}

/* The index of the secret that it was made with; count if there is none.  Reserved octets are hashed as they came. */
static uint8_t maker_of(const struct cookie_keys *keys, struct octets cookie, const struct address *client)
{
    uint8_t hash[SIPHASH_OCTETS], i = 0;
    if (cookie.len != COOKIE_OCTETS || cookie.data[VERSION_AT] != VERSION)
        return keys->count;
    for (; i < keys->count; i++) {
        hash_cookie(&keys->keys[i], cookie.data, client, hash);
        if (memcmp(hash, cookie.data + HASH_AT, sizeof(hash)) == 0)
            break;
    }
    return i;
}

enum cookie_state cookie_judge(const struct cookie_keys *keys, struct octets cookie, const struct address *client,
                               struct now now, uint8_t reply[COOKIE_OCTETS])
{
    if (keys->count == 0 || cookie.len == 0)
        return COOKIE_NONE;
    uint32_t now_s = (uint32_t)now_wall_s(now);
    uint8_t maker = maker_of(keys, cookie, client);
    if (maker < keys->count) {
        int32_t age_s = (int32_t)(now_s - get_u32(cookie.data + TIME_AT)); /* RFC 1982 */
        bool is_good = age_s <= COOKIE_AGE_S_MAX && age_s >= -COOKIE_AHEAD_S_MAX;
        if (is_good && maker == 0 && age_s <= COOKIE_RENEW_S)
            memcpy(reply, cookie.data, COOKIE_OCTETS);
        else
            make_cookie(keys, cookie.data, client, now_s, reply);
        return is_good ? COOKIE_GOOD : COOKIE_WRONG;
    }
    make_cookie(keys, cookie.data, client, now_s, reply);
    return cookie.len == COOKIE_CLIENT_OCTETS ? COOKIE_CLIENT_ONLY : COOKIE_WRONG;
}
