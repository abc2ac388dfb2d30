/* P-384 by nettle and by libcrypto: of one mind about whatever the network may send (RFC 6605 section 4; FIPS 186-5
 * section 6.4.2).  Keys and signatures are made so that the numbers on the way are the ones that go wrong. */
#include "crypto/verify.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <setjmp.h>
#include <stdlib.h>
#include <cmocka.h>

#include "message/testing.h"
#include "tests/support/p384_by_libcrypto.h"
#include "tests/support/signer.h"

enum { HALF = 48, WHOLE = 2 * HALF, HALF_BITS = 8 * HALF };

static const struct octets data = { (const uint8_t *)"what is signed", 14 };

struct fixture {
    struct arena *arena;
    struct verifier *verifier, *other;
    const struct algorithm *algorithm;
    EC_GROUP *group;
    BN_CTX *context;
    BIGNUM *order, *prime, *hash; /* hash: of data, as a number */
    unsigned good, bad, unusable;
};

static int set_up(void **state)
{
    struct fixture *f = memory_new(1, sizeof(*f));
    size_t count;
    uint8_t hash[HALF];
    set_hash_secret();
    f->arena = arena_new();
    f->verifier = verifier_new();
    f->other = verifier_new();
    for (const struct algorithm *row = algorithm_table(&count); count > 0; count--, row++)
        if (row->number == ALGORITHM_ECDSAP384SHA384)
            f->algorithm = row;
    f->group = EC_GROUP_new_by_curve_name(NID_secp384r1);
    f->context = BN_CTX_new();
    f->order = BN_dup(EC_GROUP_get0_order(f->group));
    f->prime = BN_dup(EC_GROUP_get0_field(f->group));
    digest_sha384(data, hash);
    f->hash = BN_bin2bn(hash, HALF, NULL);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    BN_free(f->hash);
    BN_free(f->prime);
    BN_free(f->order);
    BN_CTX_free(f->context);
    EC_GROUP_free(f->group);
    verifier_free(f->other);
    verifier_free(f->verifier);
    arena_free(f->arena);
    free(f);
    return 0;
}

static struct dnskey key_of(struct octets field)
{
    return (struct dnskey) { .flags = DNSKEY_ZONE, .protocol = 3, .algorithm = 14, .public_key = field };
}

static enum signature_check by_nettle(struct fixture *f, struct octets field, struct octets what,
                                      struct octets signature)
{
    struct dnskey key = key_of(field);
    return signature_verify(f->verifier, f->algorithm, &key, what, signature);
}

static enum signature_check by_libcrypto(struct fixture *f, struct octets field, struct octets what,
                                         struct octets signature)
{
    struct dnskey key = key_of(field);
    return signature_verify(f->other, &p384_by_libcrypto, &key, what, signature);
}

/* What both say. */
static enum signature_check check(struct fixture *f, struct octets field, struct octets what, struct octets signature)
{
    enum signature_check result = by_nettle(f, field, what, signature);
    assert_int_equal(result, by_libcrypto(f, field, what, signature));
    f->good += result == SIGNATURE_GOOD;
    f->bad += result == SIGNATURE_BAD;
    f->unusable += result == SIGNATURE_KEY_UNUSABLE;
    return result;
}

/* Two numbers below 2^384 side by side: a key of its coordinates, a signature of r and s. */
static struct octets pair_of(struct fixture *f, const BIGNUM *first, const BIGNUM *second)
{
    uint8_t *octets = arena_alloc(f->arena, WHOLE);
    assert_int_equal(BN_bn2binpad(first, octets, HALF), HALF);
    assert_int_equal(BN_bn2binpad(second, octets + HALF, HALF), HALF);
    return (struct octets) { octets, WHOLE };
}

/* 384 bits out of a seed */
static struct octets noise(struct fixture *f, unsigned seed)
{
    uint8_t *octets = arena_alloc(f->arena, HALF);
    digest_sha384((struct octets) { (const uint8_t *)&seed, sizeof(seed) }, octets);
    return (struct octets) { octets, HALF };
}

static BIGNUM *scalar(struct fixture *f, unsigned seed)
{
    BIGNUM *number = BN_bin2bn(noise(f, seed).data, HALF, NULL);
    assert_int_equal(BN_mod(number, number, f->order, f->context), 1);
    return number;
}

/* modulo n; to may be one of the factors */
static void multiply(struct fixture *f, BIGNUM *to, const BIGNUM *a, const BIGNUM *b)
{
    assert_int_equal(BN_mod_mul(to, a, b, f->order, f->context), 1);
}

static void divide(struct fixture *f, BIGNUM *to, const BIGNUM *a, const BIGNUM *b)
{
    BIGNUM *inverse = BN_mod_inverse(NULL, b, f->order, f->context);
    assert_non_null(inverse);
    multiply(f, to, a, inverse);
    BN_free(inverse);
}

static EC_POINT *point_of(struct fixture *f, const BIGNUM *times_generator)
{
    EC_POINT *point = EC_POINT_new(f->group);
    assert_int_equal(EC_POINT_mul(f->group, point, times_generator, NULL, NULL, f->context), 1);
    return point;
}

static struct octets field_of(struct fixture *f, const EC_POINT *point)
{
    BIGNUM *x = BN_new(), *y = BN_new();
    assert_int_equal(EC_POINT_get_affine_coordinates(f->group, point, x, y, f->context), 1);
    struct octets field = pair_of(f, x, y);
    BN_free(x);
    BN_free(y);
    return field;
}

/* r of a signature whose nonce's point that is */
static BIGNUM *r_of(struct fixture *f, const EC_POINT *point)
{
    BIGNUM *x = BN_new();
    assert_int_equal(EC_POINT_get_affine_coordinates(f->group, point, x, NULL, f->context), 1);
    BN_nnmod(x, x, f->order, f->context);
    return x;
}

/* The key for which (r of the point, s) is a good signature of data: Q = (s R - h G) / r. */
static struct octets key_for(struct fixture *f, const EC_POINT *point, const BIGNUM *r, const BIGNUM *s)
{
    EC_POINT *key = EC_POINT_new(f->group);
    BIGNUM *of_point = BN_new(), *of_generator = BN_new();
    divide(f, of_point, s, r);
    divide(f, of_generator, f->hash, r);
    BN_sub(of_generator, f->order, of_generator);
    assert_int_equal(EC_POINT_mul(f->group, key, of_generator, point, of_point, f->context), 1);
    struct octets field = field_of(f, key);
    BN_free(of_generator);
    BN_free(of_point);
    EC_POINT_free(key);
    return field;
}

/* ---- what signers write, and what becomes of it on its way ---- */

static struct octets altered(struct fixture *f, struct octets octets, unsigned bit)
{
    uint8_t *copy = arena_copy(f->arena, octets.data, octets.len);
    copy[bit / 8 % octets.len] ^= (uint8_t)(1u << bit % 8);
    return (struct octets) { copy, octets.len };
}

static void test_signed_and_altered(void **state)
{
    struct fixture *f = *state;
    enum { KEYS = 20, ALTERATIONS = 24 };
    for (unsigned i = 0; i < KEYS; i++) {
        struct signer *signer = signer_new(ALGORITHM_ECDSAP384SHA384, DNSKEY_ZONE, i);
        struct octets field = { signer_dnskey(signer).data + 4, signer_dnskey(signer).len - 4 };
        struct octets what = noise(f, i), signature = sign_octets(f->arena, signer, what);
        assert_int_equal(check(f, field, what, signature), SIGNATURE_GOOD);
        for (unsigned j = 0; j < ALTERATIONS; j++) {
            unsigned bit = noise(f, 1000 * i + j).data[0] + 256u * noise(f, 1000 * i + j).data[1];
            check(f, field, what, altered(f, signature, bit));
            check(f, field, altered(f, what, bit), signature);
            check(f, altered(f, field, bit), what, signature);
            check(f, field, what, (struct octets) { signature.data, bit % WHOLE });
            check(f, (struct octets) { field.data, bit % WHOLE }, what, signature);
        }
        signer_free(signer);
    }
    assert_int_equal(f->good, KEYS);
    assert_int_equal(f->bad, KEYS * ALTERATIONS * 3);
    assert_int_equal(f->unusable, KEYS * ALTERATIONS * 2); /* two of x have one y at most */
}

/* ---- numbers at the edges ---- */

struct numbers {
    BIGNUM *list[32];
    size_t count;
};

static void add_number(struct numbers *numbers, const BIGNUM *number, int offset)
{
    BIGNUM *sum = BN_dup(number);
    assert_int_equal(offset < 0 ? BN_sub_word(sum, (BN_ULONG)-offset) : BN_add_word(sum, (BN_ULONG)offset), 1);
    assert_true(numbers->count < ARRAY_LEN(numbers->list));
    numbers->list[numbers->count++] = sum;
}

static void add_edges(struct numbers *numbers, const BIGNUM *number)
{
    for (int offset = -1; offset <= 1; offset++)
        add_number(numbers, number, offset);
}

/* 0, 1, 2, around n and p, all bits */
static struct numbers edges(struct fixture *f)
{
    struct numbers numbers = { .count = 0 };
    BIGNUM *highest = BN_new();
    BN_set_bit(highest, HALF_BITS - 1);
    add_edges(&numbers, BN_value_one());
    add_edges(&numbers, f->order);
    add_edges(&numbers, f->prime);
    add_edges(&numbers, highest);
    BN_lshift1(highest, highest);
    add_number(&numbers, highest, -1);
    BN_free(highest);
    return numbers;
}

static void numbers_clear(struct numbers *numbers)
{
    for (size_t i = 0; i < numbers->count; i++)
        BN_free(numbers->list[i]);
}

static void test_signatures_at_the_edges(void **state)
{
    struct fixture *f = *state;
    BIGNUM *nonce = scalar(f, 1), *s = scalar(f, 2), *negative = BN_new();
    EC_POINT *point = point_of(f, nonce);
    BIGNUM *r = r_of(f, point);
    struct octets field = key_for(f, point, r, s);
    struct numbers numbers = edges(f);
    BN_sub(negative, f->order, s); /* as good: an ECDSA signature has two forms */
    add_number(&numbers, r, 0);
    add_number(&numbers, s, 0);
    add_number(&numbers, negative, 0);
    for (size_t i = 0; i < numbers.count; i++) {
        for (size_t j = 0; j < numbers.count; j++) {
            bool is_good = BN_cmp(numbers.list[i], r) == 0 &&
                           (BN_cmp(numbers.list[j], s) == 0 || BN_cmp(numbers.list[j], negative) == 0);
            assert_int_equal(check(f, field, data, pair_of(f, numbers.list[i], numbers.list[j])),
                             is_good ? SIGNATURE_GOOD : SIGNATURE_BAD);
        }
    }
    assert_int_equal(f->good, 2);
    numbers_clear(&numbers);
    EC_POINT_free(point);
    BIGNUM *own[] = { nonce, s, negative, r };
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        BN_free(own[i]);
}

/* The point with the least x that is not below `least`. */
static EC_POINT *point_at(struct fixture *f, const BIGNUM *least, BIGNUM *x)
{
    EC_POINT *point = EC_POINT_new(f->group);
    assert_non_null(BN_copy(x, least));
    while (EC_POINT_set_compressed_coordinates(f->group, point, x, 0, f->context) != 1)
        BN_add_word(x, 1);
    return point;
}

static void test_keys_at_the_edges(void **state)
{
    struct fixture *f = *state;
    BIGNUM *x = BN_new(), *y = BN_new(), *zero = BN_new();
    EC_POINT *point = point_at(f, zero, x);
    struct octets signature = pair_of(f, BN_value_one(), BN_value_one());
    struct numbers numbers = edges(f);
    EC_POINT_get_affine_coordinates(f->group, point, x, y, f->context);
    add_number(&numbers, x, 0);
    add_number(&numbers, y, 0);
    BN_sub(y, f->prime, y);
    add_number(&numbers, y, 0);
    BN_add(x, x, f->prime); /* the same modulo p, and fits 384 bits */
    add_number(&numbers, x, 0);
    for (size_t i = 0; i < numbers.count; i++)
        for (size_t j = 0; j < numbers.count; j++)
            check(f, pair_of(f, numbers.list[i], numbers.list[j]), data, signature);
    assert_true(f->bad >= 2); /* the point and its negative: usable keys */
    assert_int_equal(f->good, 0);
    assert_true(BN_num_bits(x) == HALF_BITS);
    assert_int_equal(check(f, pair_of(f, x, y), data, signature), SIGNATURE_KEY_UNUSABLE);
    numbers_clear(&numbers);
    EC_POINT_free(point);
    BN_free(zero);
    BN_free(y);
    BN_free(x);
}

/* ---- numbers on the way: u1 = h / s, u2 = r / s, u1 G + u2 Q ---- */

/* A good signature, and one for another text. */
static void check_made(struct fixture *f, const EC_POINT *point, const BIGNUM *r, const BIGNUM *s)
{
    struct octets field = key_for(f, point, r, s), signature = pair_of(f, r, s);
    assert_int_equal(check(f, field, data, signature), SIGNATURE_GOOD);
    assert_int_equal(check(f, field, noise(f, 0), signature), SIGNATURE_BAD);
}

static void check_multiples(struct fixture *f, const EC_POINT *point, const BIGNUM *r, const BIGNUM *factor)
{
    BIGNUM *s = BN_new();
    if (!BN_is_zero(factor) && BN_cmp(factor, f->order) < 0) {
        divide(f, s, f->hash, factor); /* u1 */
        check_made(f, point, r, s);
        divide(f, s, r, factor); /* u2 */
        check_made(f, point, r, s);
    }
    BN_free(s);
}

/* Powers of two, one less, and their negatives: where windows and combs of a multiplication are empty or full. */
static void test_multiples_of_all_sizes(void **state)
{
    struct fixture *f = *state;
    BIGNUM *nonce = scalar(f, 3), *factor = BN_new(), *negative = BN_new();
    EC_POINT *point = point_of(f, nonce);
    BIGNUM *r = r_of(f, point);
    for (int bit = 0; bit < HALF_BITS; bit += bit < 8 ? 1 : 11) {
        for (int less = 0; less <= 1; less++) {
            BN_zero(factor);
            BN_set_bit(factor, bit);
            BN_sub_word(factor, (BN_ULONG)less);
            BN_sub(negative, f->order, factor);
            check_multiples(f, point, r, factor);
            check_multiples(f, point, r, negative);
        }
    }
    EC_POINT_free(point);
    BIGNUM *own[] = { nonce, factor, negative, r };
    for (size_t i = 0; i < ARRAY_LEN(own); i++)
        BN_free(own[i]);
}

/* The sum is nothing at all, or the double of its summands.  The latter is the one case of which they are of two minds:
 * nettle 3.8 does not double there and finds the signature bad.  Nobody is hurt: d = h / r, so whoever made such a
 * signature has told his private key. */
static void test_summands_that_are_equal(void **state)
{
    struct fixture *f = *state;
    BIGNUM *nonce = BN_new(), *of_key = BN_new();
    for (unsigned seed = 10; seed < 20; seed++) {
        BIGNUM *s = scalar(f, seed);
        divide(f, nonce, f->hash, s);
        BN_mod_lshift1(nonce, nonce, f->order, f->context);
        EC_POINT *point = point_of(f, nonce);
        BIGNUM *r = r_of(f, point);
        struct octets field = key_for(f, point, r, s), signature = pair_of(f, r, s);
        assert_int_equal(by_libcrypto(f, field, data, signature), SIGNATURE_GOOD);
        assert_int_not_equal(by_nettle(f, field, data, signature), SIGNATURE_KEY_UNUSABLE);
        assert_int_equal(check(f, field, noise(f, 0), signature), SIGNATURE_BAD);

        divide(f, of_key, f->hash, r);
        EC_POINT *key = point_of(f, of_key);
        assert_true(octets_equal(field_of(f, key), field));
        EC_POINT_invert(f->group, key, f->context); /* and the sum is infinity, which has no x */
        assert_int_equal(check(f, field_of(f, key), data, signature), SIGNATURE_BAD);
        EC_POINT_free(key);
        EC_POINT_free(point);
        BN_free(r);
        BN_free(s);
    }
    BN_free(of_key);
    BN_free(nonce);
}

/* The order is less than the field's prime: r is x modulo n, and nothing else stands for it. */
static void test_x_above_the_order(void **state)
{
    struct fixture *f = *state;
    BIGNUM *x = BN_new(), *s = scalar(f, 4), *least = BN_dup(f->order);
    for (int i = 0; i < 8; i++) {
        EC_POINT *point = point_at(f, least, x);
        BIGNUM *r = r_of(f, point);
        assert_true(BN_cmp(r, x) < 0);
        if (!BN_is_zero(r)) {
            check_made(f, point, r, s);
            assert_int_equal(check(f, key_for(f, point, r, s), data, pair_of(f, x, s)), SIGNATURE_BAD);
        }
        BN_copy(least, x);
        BN_add_word(least, 1);
        BN_free(r);
        EC_POINT_free(point);
    }
    BN_free(least);
    BN_free(s);
    BN_free(x);
}

/* The generator, small multiples of it and their negatives, as the key and as the nonce's point. */
static void test_small_multiples_of_the_generator(void **state)
{
    struct fixture *f = *state;
    BIGNUM *small = BN_new(), *s = scalar(f, 5), *of_key = BN_new();
    for (int i = -6; i <= 6; i++) {
        if (i == 0)
            continue;
        BN_set_word(small, (BN_ULONG)abs(i));
        if (i < 0)
            BN_sub(small, f->order, small);
        EC_POINT *point = point_of(f, small);
        BIGNUM *r = r_of(f, point);
        check_made(f, point, r, s);
        for (unsigned seed = 30; seed < 33; seed++) { /* s = (h + r d) / k */
            BIGNUM *nonce = scalar(f, seed);
            EC_POINT *other = point_of(f, nonce);
            BIGNUM *other_r = r_of(f, other);
            multiply(f, of_key, other_r, small);
            BN_mod_add(of_key, of_key, f->hash, f->order, f->context);
            divide(f, of_key, of_key, nonce);
            assert_int_equal(check(f, field_of(f, point), data, pair_of(f, other_r, of_key)), SIGNATURE_GOOD);
            BN_free(other_r);
            EC_POINT_free(other);
            BN_free(nonce);
        }
        BN_free(r);
        EC_POINT_free(point);
    }
    BN_free(of_key);
    BN_free(s);
    BN_free(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_signed_and_altered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_signatures_at_the_edges, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_keys_at_the_edges, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_multiples_of_all_sizes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_summands_that_are_equal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_x_above_the_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_small_multiples_of_the_generator, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
