/* A name out of any message, from any place in it, is a name; wire and text form lead back to it; order, case and
 * relations agree with each other. */
#include <assert.h>

#include "message/dname.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_invariant(const struct dname *name)
{
    struct dname again;
    unsigned labels = 0;
    size_t at = 0;
    for (; name->octets[at] != 0; at += 1u + name->octets[at], labels++)
        assert(name->octets[at] <= LABEL_OCTETS_MAX && at < name->len);
    assert(at + 1 == name->len && labels == name->labels);
    assert(dname_from_wire(dname_octets(name), &again) == OK && dname_same_case(&again, name));
}

static void check_text(const struct dname *name)
{
    char text[DNAME_TEXT_MAX];
    struct dname again;
    enum err err = dname_from_text(dname_to_text(name, text), &again);
    assert(err == OK && dname_same_case(&again, name));
}

static void check_relations(const struct dname *name)
{
    struct dname lower, parent, wildcard;
    dname_lower(name, &lower);
    assert(dname_equal(name, &lower) && dname_compare(name, &lower) == 0);
    assert(dname_hash(name, 1) == dname_hash(&lower, 1));
    dname_parent(name, &parent);
    check_invariant(&parent);
    assert(dname_is_subdomain(name, &parent));
    assert(dname_is_below(name, &parent) == !dname_is_root(name));
    assert(dname_common_labels(name, &parent) == parent.labels);
    assert(dname_is_root(name) || (dname_compare(&parent, name) < 0 && dname_compare(name, &parent) > 0));
    if (dname_wildcard(&parent, &wildcard) == OK) {
        check_invariant(&wildcard);
        assert(dname_is_below(&wildcard, &parent) && dname_is_wildcard(&wildcard));
        assert((dname_compare(name, &wildcard) == 0) == dname_equal(name, &wildcard));
    }
}

static void check_name(const struct dname *name)
{
    check_invariant(name);
    check_text(name);
    check_relations(name);
}

static void read_text(const uint8_t *data, size_t size)
{
    char text[2 * DNAME_TEXT_MAX];
    struct dname name;
    size_t len = size < sizeof(text) ? size : sizeof(text) - 1;
    memcpy(text, data, len);
    text[len] = '\0';
    if (dname_from_text(text, &name) == OK)
        check_name(&name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct reader r = reader_of(data + 1, size - 1);
    struct dname name;
    r.at += data[0] < size - 1 ? data[0] : size - 1;
    const uint8_t *begin = r.at;
    reader_dname(&r, &name);
    check_name(&name);
    assert(r.failed ? r.at == begin && dname_is_root(&name) : r.at > begin);
    read_text(data + 1, size - 1);
    return 0;
}
