#include "transport/precedence.h"

#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "transport/testing.h"

enum { SLICE_NS = 100000, NICER = 5 };

/* Of a thread that takes precedence, and of one that only asks for the nice value. */
struct thread {
    int policy;
    int nice_before, nice_after;
    uint64_t slice_ns;
};

static int nice_of_thread(void)
{
    return getpriority(PRIO_PROCESS, 0);
}

static uint64_t slice_of_thread(void)
{
    uint64_t attributes[6] = { 0 };
    assert_int_equal(syscall(SYS_sched_getattr, 0, attributes, sizeof(attributes), 0), 0);
    return attributes[3];
}

static void *take(void *argument)
{
    struct thread *thread = argument;
    assert_int_equal(pthread_setschedparam(pthread_self(), thread->policy, &(struct sched_param) { 0 }), 0);
    thread->nice_before = nice_of_thread();
    precedence_take("test");
    thread->nice_after = nice_of_thread();
    thread->slice_ns = slice_of_thread();
    return NULL;
}

static void forbid_nicer_values(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct rights[_LINUX_CAPABILITY_U32S_3];
    assert_int_equal(setrlimit(RLIMIT_NICE, &(struct rlimit) { 0 }), 0);
    assert_int_equal(syscall(SYS_capget, &header, rights), 0);
    rights[0].effective &= ~(1u << CAP_SYS_NICE);
    assert_int_equal(syscall(SYS_capset, &header, rights), 0); /* the calling thread's alone */
}

static void *give(void *argument)
{
    struct thread *thread = argument;
    thread->nice_before = nice_of_thread();
    precedence_give();
    thread->nice_after = nice_of_thread();
    thread->slice_ns = slice_of_thread();
    return NULL;
}

static void *give_without_rights(void *argument)
{
    forbid_nicer_values();
    return give(argument);
}

static void *lower(void *argument)
{
    *(bool *)argument = setpriority(PRIO_PROCESS, 0, nice_of_thread() - NICER) == 0;
    return NULL;
}

static void in_a_thread(void *(*run)(void *argument), void *argument)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run, argument), 0);
    pthread_join(thread, NULL);
}

static bool kernel_has_slices(void)
{
    struct utsname name;
    unsigned major = 0, minor = 0;
    assert_int_equal(uname(&name), 0);
    assert_int_equal(sscanf(name.release, "%u.%u", &major, &minor), 2);
    return major > 6 || (major == 6 && minor >= 12);
}

static void test_taken(void **state)
{
    (void)state;
    bool is_permitted = false;
    struct thread thread = { .policy = SCHED_OTHER };
    in_a_thread(lower, &is_permitted);
    in_a_thread(take, &thread);
    assert_int_equal(thread.nice_after, is_permitted ? thread.nice_before - NICER : thread.nice_before);
    if (kernel_has_slices())
        assert_int_equal(thread.slice_ns, SLICE_NS);
}

static void test_other_threads_stay_as_they_are(void **state)
{
    (void)state;
    int nice = nice_of_thread();
    uint64_t slice_ns = slice_of_thread();
    struct thread thread = { .policy = SCHED_OTHER };
    in_a_thread(take, &thread);
    assert_int_equal(nice_of_thread(), nice);
    assert_int_equal(slice_of_thread(), slice_ns);
}

static void test_given_where_others_cannot_take_it(void **state)
{
    (void)state;
    bool is_permitted = false;
    struct thread thread = { 0 };
    in_a_thread(lower, &is_permitted);
    in_a_thread(give, &thread);
    assert_int_equal(thread.nice_after, is_permitted ? thread.nice_before : thread.nice_before + NICER);
    in_a_thread(give_without_rights, &thread);
    assert_int_equal(thread.nice_after, thread.nice_before + NICER);
    assert_int_not_equal(thread.slice_ns, SLICE_NS);
}

/* Somebody has chosen a policy that has no slices: it is left. */
static void test_policies_without_slices(void **state)
{
    (void)state;
    struct thread thread = { .policy = SCHED_IDLE };
    in_a_thread(take, &thread);
    assert_int_equal(thread.nice_after, thread.nice_before);
    assert_int_not_equal(thread.slice_ns, SLICE_NS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_other_threads_stay_as_they_are),
        cmocka_unit_test(test_policies_without_slices),
        cmocka_unit_test(test_given_where_others_cannot_take_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
