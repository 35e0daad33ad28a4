/* The queue of transfers has a limit, since a server can list files without an
 * end. */
#include <criterion/criterion.h>
#include <sysexits.h>

#include "client/transfer/transfer.h"

Test(jobs, have_a_limit)
{
    struct jobs j = { .most = 10 * (sizeof(struct job) + 2 * sizeof("here") +
                                    sizeof("there")) };
    const struct job job = { .kind = JOB_GET };
    struct failure why;

    for (size_t i = 0; i < 10; i++) {
        char here[] = { 'h', 'e', 'r', (char)('a' + i), '\0' };

        cr_assert_eq(jobs_add(&j, &job, here, "there", &why), 0, "%zu", i);
    }
    cr_expect_not(j.full);
    cr_expect_lt(jobs_add(&j, &job, "", "", &why), 0);
    cr_expect(j.full);
    cr_expect_eq(j.count, 10);
    cr_expect_eq(why.code, EX_DATAERR);
    cr_expect_not_null(strstr(why.text, "too many files"), "%s", why.text);
    jobs_release(&j);
    cr_expect_eq(j.bytes, 0);
}

/* Two uploads of the same name: for the second one it is taken. The next
 * command forgets the names. */
Test(jobs, with_the_same_name)
{
    const struct job job = { .kind = JOB_PUT, .known = true };
    struct jobs j = { 0 };
    struct failure why;

    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(jobs_add(&j, &job, "a/x", "x", &why), 0);
        cr_assert_eq(jobs_add(&j, &job, "b/x", "x", &why), 0);
        cr_expect_not(j.job[0].taken);
        cr_expect(j.job[1].known && j.job[1].taken && j.job[1].twice);
        jobs_release(&j);
    }
}

/* The same file isn't transferred twice, and another one doesn't replace it
 * without a question. */
Test(jobs, that_come_twice)
{
    static const enum job_kind kinds[] = { JOB_GET, JOB_PUT };
    struct failure why;

    for (size_t i = 0; i < 2; i++) {
        const struct job job = { .kind = kinds[i] };
        bool put = kinds[i] == JOB_PUT;
        struct jobs j = { .once = true };

        cr_assert_eq(jobs_add(&j, &job, "a/x", "a/x", &why), 0);
        cr_assert_eq(jobs_add(&j, &job, "a/x", "a/x", &why), 0);
        cr_expect_eq(j.count, 1);
        cr_expect_lt(
            jobs_add(&j, &job, put ? "b/x" : "a/x", put ? "a/x" : "b/x", &why),
            0);
        cr_expect_eq(why.code, EX_USAGE);
        cr_expect_eq(j.count, 1);
        cr_assert_eq(jobs_add(&j, &job, "-", "a", &why), 0);
        cr_assert_eq(jobs_add(&j, &job, "-", "b", &why), 0);
        cr_expect_eq(j.count, 3, "standard output");
        jobs_release(&j);
    }
}

/* Two million files with paths of a hundred bytes are possible. */
Test(jobs, have_room)
{
    cr_expect_geq(JOBS_BYTES_MAX, 2000000 * (sizeof(struct job) + 3 * 101));
}
