"""Key pairs for every DNSSEC algorithm the lab signs with.

The same seed always gives the same keys, so a lab's trust anchor and key tags do not change from run to run.  RSA is
done here, in integers: a crypto library may refuse SHA-1 or 512-bit keys by policy, and has no seeded key generation.
Its moduli are products of small primes ("multi-prime RSA", RFC 8017 section 3), which makes a 4096-bit key in a
fraction of a second; verifiers see an ordinary modulus.  Nothing here is fit for use outside a laboratory.
"""

import functools
import hashlib
import math
import random

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, utils

RSA_HASHES = {5: "sha1", 7: "sha1", 8: "sha256", 10: "sha512"}
CURVES = {13: (ec.SECP256R1(), hashes.SHA256(), 32), 14: (ec.SECP384R1(), hashes.SHA384(), 48)}
EDWARDS = {15: (ed25519.Ed25519PrivateKey, 32), 16: (ed448.Ed448PrivateKey, 57)}

# RFC 8017 section 9.2, note 1: the DER prefix of DigestInfo.
DIGEST_INFO = {
    "sha1": bytes.fromhex("3021300906052b0e03021a05000414"),
    "sha256": bytes.fromhex("3031300d060960864801650304020105000420"),
    "sha512": bytes.fromhex("3051300d060960864801650304020305000440"),
}

SMALL_FACTORS = math.prod(n for n in range(3, 1000, 2) if all(n % d for d in range(3, math.isqrt(n) + 1, 2)))


def stream(seed, octets):
    """Pseudo-random octets that depend on the seed alone."""
    return hashlib.shake_256(seed.encode()).digest(octets)


class RsaKey:
    """RSASSA-PKCS1-v1_5 as RFC 3110 and RFC 5702 use it."""

    def __init__(self, algorithm, seed, bits, exponent):
        self.hash_name = RSA_HASHES[algorithm]
        self.primes = _primes(seed, bits, exponent)
        self.modulus = math.prod(self.primes)
        self.octets = (self.modulus.bit_length() + 7) // 8
        self.private_exponents = [pow(exponent, -1, p - 1) for p in self.primes]
        self.public = rsa_public_key(self.modulus, exponent)

    def sign(self, data):
        info = DIGEST_INFO[self.hash_name] + hashlib.new(self.hash_name, data).digest()
        padding = b"\xff" * (self.octets - len(info) - 3)
        message = int.from_bytes(b"\x00\x01" + padding + b"\x00" + info, "big")
        return self._power(message).to_bytes(self.octets, "big")

    def _power(self, message):
        """By the Chinese remainder theorem: one small power for each prime."""
        result, product = 0, 1
        for prime, exponent in zip(self.primes, self.private_exponents):
            residue = pow(message, exponent, prime)
            result += product * ((residue - result) * pow(product, -1, prime) % prime)
            product *= prime
        return result


class EcdsaKey:
    """RFC 6605."""

    def __init__(self, algorithm, seed):
        curve, self.hash, self.octets = CURVES[algorithm]
        secret = int.from_bytes(stream(seed, self.octets - 1), "big") + 1
        self.private = ec.derive_private_key(secret, curve)
        point = self.private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        self.public = point[1:]

    def sign(self, data):
        r, s = utils.decode_dss_signature(self.private.sign(data, ec.ECDSA(self.hash)))
        return r.to_bytes(self.octets, "big") + s.to_bytes(self.octets, "big")


class EdwardsKey:
    """RFC 8080."""

    def __init__(self, algorithm, seed):
        private_class, octets = EDWARDS[algorithm]
        self.private = private_class.from_private_bytes(stream(seed, octets))
        self.public = self.private.public_key().public_bytes(
            serialization.Encoding.Raw, serialization.PublicFormat.Raw)

    def sign(self, data):
        return self.private.sign(data)


class OpaqueKey:
    """A key of an algorithm nobody implements: octets that no validator may try to understand."""

    def __init__(self, seed, octets=64):
        self.public = stream(seed, octets)

    def sign(self, data):
        return hashlib.shake_256(self.public + data).digest(64)


@functools.lru_cache(maxsize=None)
def key_pair(algorithm, seed, bits=1024, exponent=65537):
    """Has .public (DNSKEY's public key field) and .sign(octets)."""
    if algorithm in RSA_HASHES:
        return RsaKey(algorithm, seed, bits, exponent)
    if algorithm in CURVES:
        return EcdsaKey(algorithm, seed)
    if algorithm in EDWARDS:
        return EdwardsKey(algorithm, seed)
    return OpaqueKey(seed)


def rsa_public_key(modulus, exponent):
    """RFC 3110 section 2."""
    exponent_octets = exponent.to_bytes((exponent.bit_length() + 7) // 8, "big")
    assert len(exponent_octets) < 256
    return bytes([len(exponent_octets)]) + exponent_octets + modulus.to_bytes((modulus.bit_length() + 7) // 8, "big")


def _primes(seed, bits, exponent):
    """Primes whose product has exactly that many bits; of 256 bits or so each, for these are found quickly."""
    source = random.Random(seed)
    count = bits // 256
    size = bits // count
    primes = [_prime(source, size, exponent) for _ in range(count - 1)]
    primes.append(_prime(source, bits - size * (count - 1), exponent))
    assert math.prod(primes).bit_length() == bits
    return primes


def _prime(source, bits, exponent):
    # With the top ten bits set, the product of a few hundred primes is never a bit short.
    while True:
        candidate = source.getrandbits(bits) | (0x3FF << (bits - 10)) | 1
        if (math.gcd(candidate, SMALL_FACTORS) == 1 and math.gcd(candidate - 1, exponent) == 1
                and _is_probable_prime(candidate, source)):
            return candidate


def _is_probable_prime(n, source, rounds=3):
    """Miller-Rabin.  Candidates are random, not an adversary's, so few rounds do."""
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(rounds):
        x = pow(source.randrange(2, n - 1), odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True
