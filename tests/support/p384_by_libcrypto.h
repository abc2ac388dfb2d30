/* For tests: algorithm 14 as libcrypto verifies it, to hold crypto/p384 against.  A verifier of its own, please: keys
 * are kept by the algorithm's number. */
#ifndef TESTS_SUPPORT_P384_BY_LIBCRYPTO_H
#define TESTS_SUPPORT_P384_BY_LIBCRYPTO_H

#include "crypto/scheme.h"

static const struct scheme p384_scheme_of_libcrypto = {
    .parse = ecdsa_parse,
    .key_type = "EC",
    .group = "P-384",
    .hash = HASH_SHA384,
    .key_octets = 96,
    .signature_octets = 96,
};
static const struct algorithm p384_by_libcrypto = {
    .number = ALGORITHM_ECDSAP384SHA384,
    .mnemonic = "ECDSAP384SHA384",
    .check = ecdsa_check,
    .scheme = &p384_scheme_of_libcrypto,
};

#endif
