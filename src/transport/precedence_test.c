#include "transport/precedence.h"

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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
